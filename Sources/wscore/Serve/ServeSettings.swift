import JSONSchemas
import Logging
import SessionCore
import SessionServer

/// All that `wscore serve` can be told.
struct ServeSettings {
  /// How clients show who they are.
  enum Authentication: String, CaseIterable {
    case none
    case tokenFile = "token-file"
    case apiKey = "api-key"
    case jwt
    case http
    case tls
  }

  enum AdminSocketChoice: Equatable {
    /// In the user's own directory; the server starts without if another one listens there.
    case standard
    case path(String)
    case none
  }

  enum LogFormat: String, CaseIterable {
    case auto, text, json
  }

  var server = ServerConfiguration()
  var tls = ServeTLSSettings()
  /// Of `--listen unix:PATH`.
  var listenPath: String?
  /// Of `--unix`.
  var unixPath: String?
  var unixMode: UInt32?
  /// Nil until all options are read: then it is the one whose options were given, else `none`.
  var authentication: Authentication?
  var tokenFile: String?
  var schemaDirectory: String?
  var schemasAreStrict = false
  var schemaStepCount = SchemaSet.defaultStepCount
  var deprecations: [Deprecation] = []
  var apiKeyFile: String?
  var jwt = JWTSettings()
  var backends = BackendSettings()
  var traffic = TrafficSettings()
  var compression = Compression.stateless
  var compressionWindowBits = 15
  var adminSocket = AdminSocketChoice.standard
  var logLevel = Logger.Level.info
  var logFormat = LogFormat.auto
  var readyDescriptor: Int32?
}

/// Why a value cannot be taken: the end of a sentence that begins with the value.
struct OptionFault: Error {
  var text: String

  init(_ text: String) { self.text = text }
}
