import Logging
import SessionCore
import SessionServer

/// All that `wscore serve` can be told.
struct ServeSettings {
  enum Authentication: String, CaseIterable {
    case none
    case tokenFile = "token-file"
    case http
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
  /// Nil: `token-file` if there is one, else `none`.
  var authentication: Authentication?
  var tokenFile: String?
  var backends = BackendSettings()
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
