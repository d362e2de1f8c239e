import ArgumentParser
import SessionServer

/// The server with its built-in events.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run a server.",
    discussion: """
      Keeps everything in memory and needs no configuration:
        wscore serve
        wscore serve --listen 0.0.0.0:8080 --auth token-file --token-file tokens
        WSCORE_PING_INTERVAL=5s wscore serve --log-format json

      Every option has a variable too, named with it; the option wins. SIGTERM
      lets the clients go first, a second one does not.
      """)

  @Option(help: help("listen")) var listen: String?
  @Option(help: help("path")) var path: String?
  @Option(help: help("raw-echo")) var rawEcho: String?
  @Option(help: help("loops")) var loops: String?
  @Option(help: help("auth"), completion: .list(["none", "token-file"])) var auth: String?
  @Option(help: help("token-file"), completion: .file()) var tokenFile: String?
  @Option(help: help("allow-origin")) var allowOrigin: [String] = []
  @Option(help: help("session-ttl")) var sessionTtl: String?
  @Option(help: help("ping-interval")) var pingInterval: String?
  @Option(help: help("ping-timeout")) var pingTimeout: String?
  @Option(help: help("hello-timeout")) var helloTimeout: String?
  @Option(help: help("handshake-timeout")) var handshakeTimeout: String?
  @Option(help: help("drain-timeout")) var drainTimeout: String?
  @Option(help: help("outbox-messages")) var outboxMessages: String?
  @Option(help: help("outbox-bytes")) var outboxBytes: String?
  @Option(help: help("max-message-bytes")) var maxMessageBytes: String?
  @Option(help: help("max-connections")) var maxConnections: String?
  @Option(help: help("admin-socket"), completion: .file()) var adminSocket: String?
  @Option(
    help: help("log-level"),
    completion: .list(["trace", "debug", "info", "notice", "warning", "error", "critical"]))
  var logLevel: String?
  @Option(help: help("log-format"), completion: .list(["auto", "text", "json"])) var logFormat: String?
  @Option(help: help("ready-fd")) var readyFd: String?

  /// The flags that were given, under their options' names.
  private var flags: [String: String] {
    let given: [(String, String?)] = [
      ("listen", listen), ("path", path), ("raw-echo", rawEcho), ("loops", loops), ("auth", auth),
      ("token-file", tokenFile),
      ("allow-origin", allowOrigin.isEmpty ? nil : allowOrigin.joined(separator: ",")),
      ("session-ttl", sessionTtl), ("ping-interval", pingInterval), ("ping-timeout", pingTimeout),
      ("hello-timeout", helloTimeout), ("handshake-timeout", handshakeTimeout), ("drain-timeout", drainTimeout),
      ("outbox-messages", outboxMessages), ("outbox-bytes", outboxBytes), ("max-message-bytes", maxMessageBytes),
      ("max-connections", maxConnections), ("admin-socket", adminSocket), ("log-level", logLevel),
      ("log-format", logFormat), ("ready-fd", readyFd),
    ]
    return Dictionary(uniqueKeysWithValues: given.compactMap { name, value in value.map { (name, $0) } })
  }

  private static func help(_ name: String) -> ArgumentHelp {
    guard let option = ServeOption.named(name) else { preconditionFailure("\(name) is not in the table of options") }
    let fallback = option.fallback.map { "; default: \($0)" } ?? ""
    return ArgumentHelp("\(option.help) (env: \(option.variable)\(fallback))", valueName: option.placeholder)
  }

  func run() async throws {
    let settings = try ServeSettingsReader.read(flags: flags)
    try await ServeRunner(settings: settings).run()
  }
}
