import ArgumentParser
import SessionServer

/// Where the server is, and from which pages it may be used.
struct EndpointOptions: ServeOptionGroup {
  @Option(help: .serve("listen")) var listen: String?
  @Option(help: .serve("unix"), completion: .file()) var unix: String?
  @Option(help: .serve("unix-mode")) var unixMode: String?
  @Option(help: .serve("path")) var path: String?
  @Option(help: .serve("sse-path")) var ssePath: String?
  @Option(help: .serve("raw-echo")) var rawEcho: String?
  @Option(help: .serve("loops")) var loops: String?
  @Option(help: .serve("io"), completion: .list(SocketBackend.allCases.map(\.rawValue))) var io: String?
  @Option(help: .serve("allow-origin")) var allowOrigin: [String] = []
  @Option(help: .serve("allow-host")) var allowHost: [String] = []

  var given: [(name: String, text: String?)] {
    [
      ("listen", listen),
      ("unix", unix),
      ("unix-mode", unixMode),
      ("path", path),
      ("sse-path", ssePath),
      ("raw-echo", rawEcho),
      ("loops", loops),
      ("io", io),
      ("allow-origin", allowOrigin.isEmpty ? nil : allowOrigin.joined(separator: ",")),
      ("allow-host", allowHost.isEmpty ? nil : allowHost.joined(separator: ",")),
    ]
  }
}

extension ServeOption {
  static var endpoint: [ServeOption] {
    [
      ServeOption(
        name: "path", placeholder: "path", fallback: "/ws", help: "The path of the WebSocket endpoint.",
        apply: { (settings, text) throws(OptionFault) in settings.server.path = try path(text) }),
      ServeOption(
        name: "sse-path", placeholder: "path|none", fallback: "/sse",
        help: "The path of the event streams, for clients that WebSocket does not reach.",
        apply: { (settings, text) throws(OptionFault) in
          settings.server.eventPath = text == "none" ? nil : try path(text)
        }),
      ServeOption(
        name: "raw-echo", placeholder: "path",
        help: "Also serve a diagnostic endpoint that sends every message back as it came, to anyone; off by default.",
        apply: { (settings, text) throws(OptionFault) in settings.server.rawEchoPath = try path(text) }),
      count("loops", \.server.loopCount, 1...1_024, fallback: "one a core", "Event loops, each with its own shard."),
      choice("io", fallback: "auto", "How the bytes of sockets are moved; TLS needs nio.") { $0.server.io = $1 },
      ServeOption(
        name: "allow-origin", placeholder: "origins", fallback: "pages of the same host",
        help: "Origins whose pages may connect, commas between them; * for any.", apply: origins),
      ServeOption(
        name: "allow-host", placeholder: "names",
        fallback: "names of this machine where the server listens on 127.0.0.1 or ::1 without --trusted-proxy, else any",
        help: "Names of the server, as requests have them in Host, commas between them; * for any.", apply: hosts),
    ]
  }

  // MARK: Single values

  static func address(_ text: String) throws(OptionFault) -> (host: String, port: Int) {
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
    return (String(host), port)
  }

  private static func path(_ text: String) throws(OptionFault) -> String {
    guard text.hasPrefix("/"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 && $0 != 0x3F }) else {
      throw OptionFault("is not a path that begins with a slash")
    }
    guard text != "/healthz", text != "/readyz" else { throw OptionFault("is taken by the health checks") }
    return text
  }

  private static func hosts(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    let names = text.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() }
    guard !names.isEmpty else { throw OptionFault("names no host") }
    guard !names.contains("*") else {
      settings.server.hosts = .any
      return
    }
    let bare = names.map { $0.hasPrefix("[") && $0.hasSuffix("]") ? String($0.dropFirst().dropLast()) : $0 }
    // An IPv6 address has colons too, more than one of them.
    guard bare.allSatisfy({ name in !name.contains("/") && !name.contains("*") && name.count { $0 == ":" } != 1 }) else {
      throw OptionFault("is not a list of names without ports, for example chat.example.com,192.0.2.1")
    }
    settings.server.hosts = .only(bare)
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
}
