import ArgumentParser
import Glibc

/// How it is run and looked at.
struct OperationOptions: ServeOptionGroup {
  @Option(help: .serve("admin-socket"), completion: .file()) var adminSocket: String?
  @Option(
    help: .serve("log-level"),
    completion: .list(["trace", "debug", "info", "notice", "warning", "error", "critical"]))
  var logLevel: String?
  @Option(help: .serve("log-format"), completion: .list(["auto", "text", "json"])) var logFormat: String?
  @Option(help: .serve("ready-fd")) var readyFd: String?

  var given: [(name: String, text: String?)] {
    [
      ("admin-socket", adminSocket),
      ("log-level", logLevel),
      ("log-format", logFormat),
      ("ready-fd", readyFd),
    ]
  }
}

extension ServeOption {
  static var operation: [ServeOption] {
    [
      ServeOption(
        name: "admin-socket", placeholder: "path",
        fallback: "$XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock",
        help: "Where wscore inspect reaches the server; none for nowhere.",
        apply: { (settings, text) throws(OptionFault) in
          guard !text.isEmpty else { throw OptionFault("is empty") }
          settings.adminSocket = text == "none" ? .none : .path(text)
        }),
      choice("log-level", fallback: "info", "The least that is logged.") { $0.logLevel = $1 },
      choice("log-format", fallback: "auto: text on a terminal, else json", "How it is logged, on standard error.") {
        $0.logFormat = $1
      },
      ServeOption(
        name: "ready-fd", placeholder: "number",
        help: "A descriptor that gets the URL and an end of line when clients can connect.", apply: readyDescriptor),
    ]
  }

  // MARK: Single values

  private static func readyDescriptor(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    guard let number = Int32(text), number >= 0, fcntl(number, F_GETFD) >= 0 else {
      throw OptionFault("is not an open descriptor")
    }
    settings.readyDescriptor = number
  }
}
