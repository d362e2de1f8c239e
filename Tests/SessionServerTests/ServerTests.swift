import SessionCore
import SessionServer
import Testing
import WebSocketFrames

@Suite("OriginPolicy")
struct OriginPolicyTests {
  @Test(arguments: [
    (OriginPolicy.sameHost, nil, true), (.sameHost, "http://127.0.0.1:3000", true),
    (.sameHost, "https://127.0.0.1", true), (.sameHost, "http://evil.example", false), (.sameHost, "null", false),
    (.sameHost, "http://127.0.0.1@evil.example", false),
    (.any, "null", true), (.only(["https://a.example"]), "https://A.example", true),
    (.only(["https://a.example"]), "https://a.example:444", false), (.only(["https://a.example"]), nil, true),
  ] as [(OriginPolicy, String?, Bool)])
  func `pages of other hosts are kept out`(_ policy: OriginPolicy, _ origin: String?, _ isAllowed: Bool) throws {
    var parser = HTTPHeadParser<HTTPRequestHead>()
    var offset = 0
    let bytes = Array("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n".utf8)
    let event = bytes.withUnsafeBytes { parser.next($0, from: &offset) }
    guard case .head(let head) = event else {
      Issue.record("no head")
      return
    }
    #expect(policy.allows(origin, host: head.authority) == isAllowed)
  }
}

@Suite("SessionServer")
struct SessionServerLifeTests {
  private func configuration() -> ServerConfiguration {
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.loopCount = 2
    configuration.drainTimeoutMilliseconds = 0
    return configuration
  }

  @Test func `it starts, takes commands and stops`() async throws {
    let server = SessionServer(configuration())
    server.addBuiltins()
    try await server.start()
    #expect((server.boundPort ?? 0) > 0)
    let nobody = SessionID(high: 1, low: 2)
    #expect(await server.kick(nobody, reason: "test") == .notFound)
    #expect(await server.send("note", to: .user("nobody"), payload: Array("1".utf8)) == .notFound)
    #expect(await server.publish("chat", to: "empty", payload: Array("1".utf8)) == .notFound)
    await server.shutdown()
    #expect(server.boundPort == nil)
    await #expect(throws: ServerError.startedAlready) { try await server.start() }
  }

  @Test func `a port that is taken has a name`() async throws {
    let first = SessionServer(configuration())
    try await first.start()
    var second = configuration()
    second.port = first.boundPort ?? 0
    await #expect(throws: ServerError.addressInUse(host: "127.0.0.1", port: second.port)) {
      try await SessionServer(second).start()
    }
    await first.shutdown()
  }
}
