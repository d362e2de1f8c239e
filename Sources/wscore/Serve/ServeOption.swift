import Glibc
import Logging
import SessionServer

/// One setting of `wscore serve`: its flag, its variable, its default and its meaning in one place.
struct ServeOption {
  /// As in `--ping-interval`.
  var name: String
  var placeholder: String
  /// The default as people write it.
  var fallback: String?
  var help: String
  var apply: (inout ServeSettings, String) throws(OptionFault) -> Void

  /// As in `WSCORE_PING_INTERVAL`.
  var variable: String { "WSCORE_" + name.uppercased().replacing("-", with: "_") }

  static func named(_ name: String) -> ServeOption? { all.first { $0.name == name } }

  static var all: [ServeOption] { endpoint + sessions + bounds + operation }

  // MARK: The table

  private static var endpoint: [ServeOption] {
    [
      ServeOption(
        name: "listen", placeholder: "host:port", fallback: "127.0.0.1:8080",
        help: "Where to listen; port 0 takes any that is free.", apply: listen),
      ServeOption(
        name: "path", placeholder: "path", fallback: "/ws", help: "The path of the WebSocket endpoint.",
        apply: { (settings, text) throws(OptionFault) in settings.server.path = try path(text) }),
      ServeOption(
        name: "raw-echo", placeholder: "path",
        help: "Also serve a diagnostic endpoint that sends every message back as it came, to anyone; off by default.",
        apply: { (settings, text) throws(OptionFault) in settings.server.rawEchoPath = try path(text) }),
      count("loops", \.server.loopCount, 1...1_024, fallback: "one a core", "Event loops, each with its own shard."),
      choice("auth", fallback: "none, or token-file if one is given", "How clients show who they are.") {
        $0.authentication = $1
      },
      ServeOption(
        name: "token-file", placeholder: "path",
        help: "Tokens and their users, one a line: TOKEN USER [join:ROOM…].",
        apply: { (settings, text) throws(OptionFault) in settings.tokenFile = text }),
      ServeOption(
        name: "allow-origin", placeholder: "origins", fallback: "pages of the same host",
        help: "Origins whose pages may connect, commas between them; * for any.", apply: origins),
    ]
  }

  private static var sessions: [ServeOption] {
    [
      duration("session-ttl", \.server.limits.sessionTTLMilliseconds, 0, "120s",
        "How long a session outlives its connection."),
      duration("ping-interval", \.server.limits.pingIntervalMilliseconds, 10, "25s",
        "Silence after which a client is pinged."),
      duration("ping-timeout", \.server.limits.pingTimeoutMilliseconds, 10, "10s",
        "Silence after a ping that ends a connection."),
      duration("hello-timeout", \.server.limits.helloTimeoutMilliseconds, 10, "10s", "Time from the upgrade to hello."),
      duration("handshake-timeout", \.server.handshakeTimeoutMilliseconds, 10, "10s", "Time for a whole HTTP request."),
      duration("drain-timeout", \.server.drainTimeoutMilliseconds, 0, "10s",
        "Time for clients to leave after SIGTERM."),
    ]
  }

  private static var bounds: [ServeOption] {
    [
      count("outbox-messages", \.server.limits.outbox.messageCount, 1...1_048_576, fallback: "1024",
        "Messages kept for a client that does not acknowledge."),
      size("outbox-bytes", \.server.limits.outbox.byteCount, 1_024...1 << 30, "1MiB", "Their bytes."),
      size("max-message-bytes", \.server.limits.messageByteCount, 128...1 << 28, "1MiB",
        "The longest message of a client."),
      count(
        "max-connections", \.server.connectionCount, 1...16_777_216,
        fallback: "100000, or what the file limit allows", "WebSocket connections at one time."),
    ]
  }

  private static var operation: [ServeOption] {
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

  // MARK: Kinds of values

  private static func duration(
    _ name: String, _ path: WritableKeyPath<ServeSettings, UInt64>, _ least: UInt64, _ fallback: String, _ help: String
  ) -> ServeOption {
    ServeOption(name: name, placeholder: "duration", fallback: fallback, help: help) {
      (settings, text) throws(OptionFault) in
      guard let duration = Quantity.duration(text) else {
        throw OptionFault("is not a duration; write a number with a unit, for example 250ms, 30s or 2m")
      }
      let milliseconds = UInt64(max(0, Quantity.nanoseconds(duration) / 1_000_000))
      guard milliseconds >= least else { throw OptionFault("is too short; the least is \(least)ms") }
      settings[keyPath: path] = milliseconds
    }
  }

  private static func size(
    _ name: String, _ path: WritableKeyPath<ServeSettings, Int>, _ range: ClosedRange<Int>, _ fallback: String,
    _ help: String
  ) -> ServeOption {
    ServeOption(name: name, placeholder: "size", fallback: fallback, help: help) {
      (settings, text) throws(OptionFault) in
      guard let bytes = Quantity.byteCount(text) else {
        throw OptionFault("is not a size; write a number with a unit, for example 512B, 64KiB or 1MiB")
      }
      guard range.contains(bytes) else {
        throw OptionFault("is not from \(ByteCount(range.lowerBound).defaultValueDescription) to "
          + ByteCount(range.upperBound).defaultValueDescription)
      }
      settings[keyPath: path] = bytes
    }
  }

  private static func count(
    _ name: String, _ path: WritableKeyPath<ServeSettings, Int>, _ range: ClosedRange<Int>, fallback: String,
    _ help: String
  ) -> ServeOption {
    ServeOption(name: name, placeholder: "number", fallback: fallback, help: help) {
      (settings, text) throws(OptionFault) in
      guard text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(text), range.contains(number) else {
        throw OptionFault("is not a number from \(range.lowerBound) to \(range.upperBound)")
      }
      settings[keyPath: path] = number
    }
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, fallback: String, _ help: String, _ set: @escaping (inout ServeSettings, Choice) -> Void
  ) -> ServeOption {
    let words = Choice.allCases.map(\.rawValue)
    return ServeOption(name: name, placeholder: words.joined(separator: "|"), fallback: fallback, help: help) {
      (settings, text) throws(OptionFault) in
      guard let choice = Choice(rawValue: text) else {
        let nearest = Suggestion.nearest(to: text, among: words).map { "; did you mean \"\($0)\"?" } ?? ""
        throw OptionFault("is not one of \(words.joined(separator: ", "))\(nearest)")
      }
      set(&settings, choice)
    }
  }

  // MARK: Single values

  private static func listen(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    let fault = OptionFault("is not HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080")
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { throw fault }
    var host = text[..<colon]
    let digits = text[text.utf8.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let port = Int(digits), port <= 65_535 else {
      throw fault
    }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw fault
    }
    guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw fault }
    (settings.server.host, settings.server.port) = (String(host), port)
  }

  private static func path(_ text: String) throws(OptionFault) -> String {
    guard text.hasPrefix("/"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 && $0 != 0x3F }) else {
      throw OptionFault("is not a path that begins with a slash")
    }
    guard text != "/healthz", text != "/readyz" else { throw OptionFault("is taken by the health checks") }
    return text
  }

  private static func origins(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    let origins = text.split(separator: ",").map { $0.filter { $0 != " " } }
    guard !origins.isEmpty else { throw OptionFault("names no origin") }
    guard !origins.contains("*") else {
      settings.server.origins = .any
      return
    }
    let isOrigin = { (origin: String) in
      origin == "null" || origin.hasPrefix("http://") || origin.hasPrefix("https://")
    }
    guard origins.allSatisfy({ isOrigin($0) && !$0.hasSuffix("/") }) else {
      throw OptionFault("is not a list of origins, for example https://example.com,http://localhost:3000")
    }
    settings.server.origins = .only(origins)
  }

  private static func readyDescriptor(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    guard let number = Int32(text), number >= 0, fcntl(number, F_GETFD) >= 0 else {
      throw OptionFault("is not an open descriptor")
    }
    settings.readyDescriptor = number
  }
}
