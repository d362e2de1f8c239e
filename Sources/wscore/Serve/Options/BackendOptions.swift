import ArgumentParser
import SessionServer
import WebSocketFrames

/// Backends, in any language, that are asked over HTTP and that push.
struct BackendOptions: ServeOptionGroup {
  @Option(help: .serve("route")) var route: [String] = []
  @Option(help: .serve("route-timeout")) var routeTimeout: String?
  @Option(help: .serve("route-concurrency")) var routeConcurrency: String?
  @Option(help: .serve("route-queue")) var routeQueue: String?
  @Option(help: .serve("route-retries")) var routeRetries: String?
  @Option(help: .serve("route-retry"), completion: .list(["safe", "idempotent"])) var routeRetry: String?
  @Option(help: .serve("auth-url")) var authUrl: String?
  @Option(help: .serve("auth-timeout")) var authTimeout: String?
  @Option(help: .serve("auth-concurrency")) var authConcurrency: String?
  @Option(help: .serve("auth-queue")) var authQueue: String?
  @Option(help: .serve("restore-url")) var restoreUrl: String?
  @Option(help: .serve("backend-ca"), completion: .file()) var backendCa: String?
  @Option(help: .serve("backend-secret-file"), completion: .file()) var backendSecretFile: String?
  @Option(help: .serve("api-listen")) var apiListen: String?
  @Option(help: .serve("api-secret-file"), completion: .file()) var apiSecretFile: String?
  @Option(help: .serve("api-body-bytes")) var apiBodyBytes: String?
  @Option(help: .serve("api-connections")) var apiConnections: String?
  @Option(help: .serve("api-timeout")) var apiTimeout: String?

  var given: [(name: String, text: String?)] {
    [
      ("route", route.isEmpty ? nil : route.joined(separator: " ")),
      ("route-timeout", routeTimeout),
      ("route-concurrency", routeConcurrency),
      ("route-queue", routeQueue),
      ("route-retries", routeRetries),
      ("route-retry", routeRetry),
      ("auth-url", authUrl),
      ("auth-timeout", authTimeout),
      ("auth-concurrency", authConcurrency),
      ("auth-queue", authQueue),
      ("restore-url", restoreUrl),
      ("backend-ca", backendCa),
      ("backend-secret-file", backendSecretFile),
      ("api-listen", apiListen),
      ("api-secret-file", apiSecretFile),
      ("api-body-bytes", apiBodyBytes),
      ("api-connections", apiConnections),
      ("api-timeout", apiTimeout),
    ]
  }
}

extension ServeOption {
  static var backends: [ServeOption] { routes + authenticators + restorers + api }

  private static var routes: [ServeOption] {
    [
      ServeOption(
        name: "route", placeholder: "event=url",
        help: "A backend for an event, or with order.*=URL for all that begin so. May be given several times; in the "
          + "variable, blanks stand between them.",
        mayHoldSecret: true, apply: route),
      duration("route-timeout", \.backends.route.timeoutMilliseconds, 1, "10s",
        "Time for a backend to answer an event, waiting and further tries included."),
      count("route-concurrency", \.backends.route.concurrency, 1...65_536, fallback: "64",
        "Events that are with backends at one time."),
      count("route-queue", \.backends.route.waiting, 0...1_048_576, fallback: "1024",
        "Events that wait to be sent to one; more are refused with server.busy."),
      count("route-retries", \.backends.routeRetries, 0...100, fallback: "3", "Further tries for an event."),
      choice("route-retry", fallback: "safe",
        "Which events are tried again: those that were certainly not processed, or all whose connection broke too."
      ) { $0.backends.routeRetry = $1 },
    ]
  }

  private static var authenticators: [ServeOption] {
    [
      ServeOption(
        name: "auth-url", placeholder: "url", help: "Who says who a client is, with --auth http.", mayHoldSecret: true,
        authentication: .http,
        apply: { (settings, text) throws(OptionFault) in settings.backends.authenticationURL = try url(text) }),
      duration("auth-timeout", \.backends.authentication.timeoutMilliseconds, 1, "5s",
        "Time for an answer of --auth-url or --restore-url."),
      count("auth-concurrency", \.backends.authentication.concurrency, 1...65_536, fallback: "64",
        "Clients that are asked about at one time."),
      count("auth-queue", \.backends.authentication.waiting, 0...1_048_576, fallback: "1024",
        "Clients that wait to be asked about; more are told to come later."),
    ]
  }

  private static var restorers: [ServeOption] {
    [
      ServeOption(
        name: "restore-url", placeholder: "url",
        help: "Who is asked for the state and the rooms of a session that is gone.", mayHoldSecret: true,
        apply: { (settings, text) throws(OptionFault) in settings.backends.restoreURL = try url(text) }),
      text("backend-ca", "path", \.backends.authorityFile, "Certificates (PEM) to trust for https:// besides the system's."),
      text("backend-secret-file", "path", \.backends.secretFile, "A secret that backends are shown as Authorization: Bearer; read at the start."),
    ]
  }

  private static var api: [ServeOption] {
    [
      ServeOption(
        name: "api-listen", placeholder: "host:port", help: "Where backends push: an internal address, off by default.",
        apply: { (settings, text) throws(OptionFault) in settings.backends.apiAddress = try address(text) }),
      text("api-secret-file", "path", \.backends.apiSecretFile, "The secret that they have to show as Authorization: Bearer; read at the start."),
      size("api-body-bytes", \.backends.apiBodyByteCount, 64...1 << 28, "1MiB", "The longest body of a request to it."),
      count("api-connections", \.backends.apiConnectionCount, 1...65_536, fallback: "64",
        "Connections to it at one time."),
      duration("api-timeout", \.backends.apiTimeoutMilliseconds, 10, "10s",
        "Time for the head of a request to it, and again for its body."),
    ]
  }

  // MARK: Single values

  private static func url(_ text: String) throws(OptionFault) -> HTTPURL {
    do throws(HTTPURL.Fault) {
      return try HTTPURL(text)
    } catch {
      throw OptionFault("cannot be used: \(error)")
    }
  }

  private static func route(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    for word in text.split(separator: " ") {
      guard let equals = word.firstIndex(of: "="), let pattern = EventPattern(String(word[..<equals])) else {
        throw OptionFault("is not EVENT=URL, for example order.created=http://127.0.0.1:9000/hook or order.*=URL")
      }
      guard !settings.backends.routes.contains(where: { $0.pattern == pattern }) else {
        throw OptionFault("names \(pattern) twice")
      }
      let url = try url(String(word[word.index(after: equals)...]))
      settings.backends.routes.append(BackendSettings.Route(pattern: pattern, url: url))
    }
  }
}
