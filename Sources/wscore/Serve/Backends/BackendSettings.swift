import SessionCore
import SessionServer
import WebSocketFrames

/// Bounds of the calls to backends for one purpose.
struct CallSettings {
  var timeoutMilliseconds: UInt64
  var concurrency = 64
  var waiting = 1_024
}

/// What `wscore serve` is told of backends.
struct BackendSettings {
  struct Route {
    var pattern: EventPattern
    var url: HTTPURL
  }

  enum Retry: String, CaseIterable {
    /// What was certainly not processed.
    case safe
    /// What may have been, too: the backend knows an event again by its id.
    case idempotent
  }

  // What they are asked.
  var routes: [Route] = []
  var route = CallSettings(timeoutMilliseconds: 10_000)
  var routeRetries = 3
  var routeRetry = Retry.safe
  var authenticationURL: HTTPURL?
  var authentication = CallSettings(timeoutMilliseconds: 5_000)
  var restoreURL: HTTPURL?
  var authorityFile: String?
  var secretFile: String?

  // What they may ask.
  var apiAddress: (host: String, port: Int)?
  var apiSecretFile: String?
  var apiBodyByteCount = 1_048_576
  var apiConnectionCount = 64
  var apiTimeoutMilliseconds: UInt64 = 10_000

  var urls: [HTTPURL] { routes.map(\.url) + [authenticationURL, restoreURL].compactMap { $0 } }

  /// What is missing or without effect.
  var contradiction: String? {
    switch (apiAddress, apiSecretFile) {
    case (.some, nil): "--api-listen needs --api-secret-file PATH: whoever reaches the address could publish"
    case (nil, .some): "--api-secret-file is without effect; add --api-listen HOST:PORT"
    default: nil
    }
  }
}
