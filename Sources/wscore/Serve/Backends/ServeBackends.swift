import Logging
import SessionCore
import SessionServer
import WebSocketFrames

#if HTTP
  import SessionHTTP

  /// The backends of one server.
  struct ServeBackends {
    private let settings: BackendSettings
    /// Nil where nothing is asked of a backend: it has threads of its own.
    private let client: BackendClient?
    private let logger: Logger

    /// - Throws: `CLIError` if a file cannot be used.
    init(_ settings: BackendSettings, _ logger: Logger) throws(CLIError) {
      (self.settings, self.logger) = (settings, logger)
      var configuration = BackendClient.Configuration()
      configuration.authorityFile = settings.authorityFile
      configuration.secret = try settings.secretFile.map { path throws(CLIError) in try SecretFile.read(path) }
      configuration.connectionCount = settings.route.concurrency + settings.authentication.concurrency
      guard !settings.urls.isEmpty || settings.authorityFile != nil else {
        client = nil
        return
      }
      do throws(BackendClient.Fault) {
        client = try BackendClient(configuration)
      } catch {
        throw CLIError("--backend-ca: \(error)", next: "Name a file in PEM form.", status: .configuration)
      }
      for url in settings.urls where !url.isSecure && !url.isLoopback {
        logger.warning("requests to a backend leave this machine unencrypted", metadata: ["url": "\(url)"])
      }
    }

    var authenticator: (any Authenticator)? {
      guard let client, let url = settings.authenticationURL else { return nil }
      return HTTPAuthenticator(url, client, bounds: BackendBounds(settings.authentication), logger: logger)
    }

    func restorer(_ limits: Limits) -> (any Restorer)? {
      guard let client, let url = settings.restoreURL else { return nil }
      return HTTPRestorer(url, client, bounds: BackendBounds(settings.authentication), limits: limits, logger: logger)
    }

    func addRoutes(to server: SessionServer) {
      guard let client else { return }
      var bounds = BackendBounds(settings.route)
      bounds.retryCount = settings.routeRetries
      bounds.retriesBrokenCalls = settings.routeRetry == .idempotent
      let router = EventRouter(client, bounds: bounds, logger: logger)
      for route in settings.routes { server.route(route.pattern, to: route.url, through: router) }
    }

    func shutdown() async { await client?.shutdown() }
  }

  extension BackendBounds {
    fileprivate init(_ settings: CallSettings) {
      self.init(
        timeoutMilliseconds: settings.timeoutMilliseconds, concurrency: settings.concurrency, waiting: settings.waiting)
    }
  }
#else
  /// This program was built without them.
  struct ServeBackends {
    init(_ settings: BackendSettings, _ logger: Logger) throws(CLIError) {
      guard settings.urls.isEmpty else {
        throw CLIError(
          "--route, --auth-url, --restore-url: this wscore was built without backends over HTTP",
          next: "Build it with the package trait HTTP.", status: .configuration)
      }
    }

    var authenticator: (any Authenticator)? { nil }
    func restorer(_ limits: Limits) -> (any Restorer)? { nil }
    func addRoutes(to server: SessionServer) {}
    func shutdown() async {}
  }
#endif

extension BackendSettings {
  /// Handlers and hooks that are backends end by themselves, and only then is the core's own end due.
  func extend(_ limits: inout Limits) {
    if !routes.isEmpty {
      limits.handlerTimeoutMilliseconds = max(limits.handlerTimeoutMilliseconds, route.timeoutMilliseconds + 1_000)
    }
    if authenticationURL != nil || restoreURL != nil {
      let timeout = authentication.timeoutMilliseconds + 1_000
      limits.hookTimeoutMilliseconds = max(limits.hookTimeoutMilliseconds, timeout)
    }
  }

  /// - Throws: `CLIError` if the secret cannot be had.
  func api() throws(CLIError) -> BackendAPIConfiguration? {
    guard let apiAddress, let apiSecretFile else { return nil }
    var api = BackendAPIConfiguration(secret: try SecretFile.read(apiSecretFile))
    (api.host, api.port) = apiAddress
    (api.bodyByteCount, api.connectionCount) = (apiBodyByteCount, apiConnectionCount)
    api.requestTimeoutMilliseconds = apiTimeoutMilliseconds
    return api
  }

  /// Events that are handled by a backend instead of the server itself.
  var eventNames: Set<String> {
    Set(routes.compactMap { route in if case .name(let name) = route.pattern { name } else { nil } })
  }
}
