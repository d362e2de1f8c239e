import Glibc
import Logging
import SessionCore
import SessionServer

/// Starts the server that the settings describe and says where it is.
struct ServeRunner {
  var settings: ServeSettings

  private var isBannerWanted: Bool { !isJSON && Terminal.isTerminal(STDERR_FILENO) }

  private var isJSON: Bool {
    switch settings.logFormat {
    case .json: true
    case .text: false
    case .auto: !Terminal.isTerminal(STDERR_FILENO)
    }
  }

  func run() async throws {
    let format = ServeLog.Format(isJSON: isJSON)
    let writer = ServeLog.writer(format)
    defer { writer.finish() }
    var logger = Logger(label: "wscore") { _ in ServeLog(format, level: settings.logLevel, writer) }
    logger.logLevel = settings.logLevel
    try await run(logger)
  }

  private func run(_ logger: Logger) async throws {
    var configuration = settings.server
    configuration.deflate = settings.deflatePolicy
    configuration.tls = settings.tls.server
    configuration.unixSocket = settings.unixSocket
    settings.traffic.apply(to: &configuration)
    configuration.serverName = "wscore/\(WScore.version)"
    // Without authentication everybody may do everything.
    configuration.checksPermissions = settings.authentication != ServeSettings.Authentication.none
    try chooseAdminSocket(&configuration)
    let warnings = bindConnectionCount(&configuration)
    settings.backends.extend(&configuration.limits)
    configuration.api = try settings.backends.api()
    do {
      try configuration.checkFiles()
    } catch {
      throw CLIError(error)
    }
    let backends = try ServeBackends(settings.backends, logger)
    let server = try await makeServer(configuration, logger, backends)
    backends.addRoutes(to: server)
    server.addBuiltins(except: settings.backends.eventNames)
    try addEventRules(to: server, logger)
    let final = (configuration, logger)
    do {
      try await server.run { server in
        try announce(server, final.0, final.1)
        for warning in warnings { final.1.warning("\(warning)") }
      }
    } catch let error as ServerError {
      await backends.shutdown()
      throw CLIError(error)
    }
    await backends.shutdown()
  }

  private func makeServer(
    _ configuration: ServerConfiguration, _ logger: Logger, _ backends: ServeBackends
  ) async throws -> SessionServer {
    let factory = AuthenticatorFactory(settings: settings, logger: logger, backends: backends)
    return SessionServer(
      configuration, authenticator: try await factory.make(), restorer: backends.restorer(configuration.limits),
      observer: LifecycleLog(logger: logger), logger: logger)
  }

  private func addEventRules(to server: SessionServer, _ logger: Logger) throws {
    for deprecation in settings.deprecations { server.deprecate(deprecation) }
    guard let path = settings.schemaDirectory else { return }
    let (schemas, passedOver) = try SchemaDirectory.load(path, stepCount: settings.schemaStepCount)
    server.check(with: schemas, isStrict: settings.schemasAreStrict)
    logger.info("schemas", metadata: ["directory": "\(path)", "count": .stringConvertible(schemas.count)])
    for name in passedOver {
      logger.warning("not a schema, passed over", metadata: ["file": "\(path)/\(name)"])
    }
  }

  private func chooseAdminSocket(_ configuration: inout ServerConfiguration) throws {
    switch settings.adminSocket {
    case .none: configuration.adminSocketPath = nil
    case .path(let path): configuration.adminSocketPath = path
    case .standard:
      let path = AdminSocketPath.standard()
      do {
        try AdminSocketDirectory.make(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
      } catch {
        throw CLIError(error)
      }
      configuration.adminSocketPath = path
      configuration.isAdminSocketOptional = true
    }
  }

  /// Each connection is a file; some are needed besides.
  private func bindConnectionCount(_ configuration: inout ServerConfiguration) -> [String] {
    let files = FileLimit.raise()
    let most = max(16, files - 128)
    let spare = max(8, files - 64 - min(most, configuration.connectionCount))
    configuration.spareSocketCount = min(configuration.spareSocketCount, spare)
    guard configuration.connectionCount > most else { return [] }
    let wasAsked = configuration.connectionCount != ServerConfiguration().connectionCount
    let asked = configuration.connectionCount
    configuration.connectionCount = most
    guard wasAsked else { return [] }
    return ["--max-connections \(asked) is more than the file limit allows; \(most) it is. Raise it with: ulimit -n"]
  }

  // MARK: The announcement

  private func announce(_ server: SessionServer, _ configuration: ServerConfiguration, _ logger: Logger) throws {
    let urls = ServeRunner.urls(server, configuration)
    let apiHost = configuration.api.map { $0.host.contains(":") ? "[\($0.host)]" : $0.host }
    let api = apiHost.flatMap { host in server.boundAPIPort.map { "http://\(host):\($0)" } }
    let fault = server.adminSocketFault
    let admin = fault == nil ? configuration.adminSocketPath : nil
    if let path = configuration.rawEchoPath {
      logger.notice("the raw echo is on: it answers anyone", metadata: ["path": "\(path)"])
    }
    if isBannerWanted {
      try LineOutput.standardError.write(banner(urls, admin, api, configuration))
    } else {
      logger.info(
        "listening",
        metadata: [
          "url": "\(urls[0])", "unix": "\(configuration.unixSocket?.path ?? "none")", "admin_socket": "\(admin ?? "none")", "api": "\(api ?? "none")",
          "auth": "\(settings.authenticationSummary)", "version": "\(WScore.version)",
          "loops": .stringConvertible(configuration.loopCount), "pid": .stringConvertible(getpid()),
        ])
    }
    if let fault {
      logger.warning("\(fault); started without one. Name another with --admin-socket PATH")
    }
    if let descriptor = settings.readyDescriptor { try tell(descriptor, urls[0]) }
  }

  /// As clients write them, that of the network first.
  private static func urls(_ server: SessionServer, _ configuration: ServerConfiguration) -> [String] {
    var urls: [String] = []
    if configuration.listensOnNetwork {
      let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
      let scheme = configuration.tls == nil ? "ws" : "wss"
      urls.append("\(scheme)://\(host):\(server.boundPort ?? configuration.port)\(configuration.path)")
    }
    if let socket = configuration.unixSocket {
      urls.append("unix:\(socket.path)" + (configuration.path == "/ws" ? "" : ":\(configuration.path)"))
    }
    return urls
  }

  private func banner(_ urls: [String], _ admin: String?, _ api: String?, _ configuration: ServerConfiguration) -> String {
    let style = Style(.auto, descriptor: STDERR_FILENO)
    let lines: [(String, String)] = [
      ("listening", "\(style(urls[0], .bold)), \(configuration.loopCount) event loops"),
    ] + urls.dropFirst().map { ("and on", $0) } + [
      ("auth", settings.authenticationSummary),
      ("admin", admin.map { "\($0) (wscore inspect)" } ?? "none"),
    ] + settings.backends.routes.prefix(8).map { ("route", "\($0.pattern) to \($0.url)") } + [
      ("api", api ?? "none"),
      ("try", "wscore client \(urls[0])"),
    ]
    let rows = lines.map { name, text in
      "  \(style(name, .dim))\(String(repeating: " ", count: 11 - name.count))\(text)\n"
    }
    return "\(style("wscore \(WScore.version)", .bold)), stop with Ctrl-C\n" + rows.joined()
  }

  private func tell(_ descriptor: Int32, _ url: String) throws {
    do throws(ExitStatus) { try LineOutput(descriptor).write(line: url) } catch {
      throw CLIError(
        "--ready-fd \(descriptor) cannot be written", why: error == .brokenPipe ? "Nobody reads it any more." : nil,
        next: "See who has the other end of it, and whether its disk is full.", status: .ioError)
    }
    // Standard streams stay open: they are needed further on.
    if descriptor > STDERR_FILENO { close(descriptor) }
  }
}

extension CLIError {
  init(_ error: ServerError) {
    let what = "\(error)"
    switch error {
    case .addressInUse(_, let port):
      self.init(
        what,
        next: "See who it is: ss -ltnp 'sport = :\(port)'   or take a free port: wscore serve --listen 127.0.0.1:0",
        status: .unavailable)
    case .notPermitted(_, let port):
      self.init(what, why: port < 1_024 ? "Ports below 1024 are for root." : nil, status: .notPermitted)
    case .cannotListen:
      self.init(what, next: "Name an address of this machine: --listen HOST:PORT.", status: .unavailable)
    case .unixSocketInUse(let path):
      self.init(what, next: "Stop it, or name another with --unix PATH: \(path) is taken.", status: .unavailable)
    case .unixSocket: self.init(what, next: "Name another with --unix PATH.", status: .cannotCreate)
    case .tls: self.init(what, next: "See: wscore serve --help, TLS options.", status: .configuration)
    case .io: self.init(what, next: "Leave --io out: the server takes what works here.", status: .unavailable)
    case .adminSocketInUse:
      self.init(
        what, next: "Name another with --admin-socket PATH, or none with --admin-socket none.", status: .unavailable)
    case .adminSocket: self.init(what, next: "Name another with --admin-socket PATH.", status: .cannotCreate)
    case .tooFewFiles:
      self.init(what, next: "Raise the limit: ulimit -n 65536, or LimitNOFILE= of the service.", status: .unavailable)
    case .startedAlready: self.init(what, status: .bug)
    }
  }
}
