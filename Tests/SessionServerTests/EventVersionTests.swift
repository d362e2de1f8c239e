import NIOPosix
import SessionClient
import SessionCore
import SessionServer
import Testing

/// Casts and rules by the library's own API, over real sockets.
@Suite struct EventVersionTests {
  /// Texts only, and only for `note`.
  private struct Texts: PayloadRules {
    func versions(of event: String) -> [UInt64] { event == "note" ? [1] : [] }

    func fault(in payload: [UInt8], of event: String, version: UInt64) -> PayloadFault? {
      event != "note" || payload.first == UInt8(ascii: "\"") ? nil : PayloadFault(path: "/x", text: "a text expected")
    }
  }

  private func makeServer() -> SessionServer {
    var configuration = ServerConfiguration()
    (configuration.port, configuration.loopCount, configuration.drainTimeoutMilliseconds) = (0, 2, 0)
    let server = SessionServer(configuration)
    server.addBuiltins()
    server.check(with: Texts())
    server.cast("chat", from: 1, to: 2, up: { .object([.init("text", $0)]) }, down: { $0["text"] ?? .null })
    server.deprecate(Deprecation(.event("chat", version: 1), date: "2027-01-01", text: "send an object"))
    server.on("chat", versions: 2...2) { event, _ in .reply(event.payload) }
    return server
  }

  @Test func handlersSeeTheNewestVersionAndReceiversTheirOwn() async throws {
    let server = makeServer()
    try await server.start()
    var configuration = try SessionClient.Configuration(url: "ws://127.0.0.1:\(server.boundPort ?? 0)/ws")
    configuration.session.eventVersions = ["chat": 1]
    let client = await ClientHandle.make(configuration, on: MultiThreadedEventLoopGroup.singleton)
    let messages = await client.messages()
    try await client.connect()
    let reply = try await client.send(event: "chat", payload: Array("\"hi\"".utf8))
    #expect(reply.json["text"] == "hi")
    _ = try await client.join("lobby")
    // The server's own events are cast up, judged, and cast down again for who asked for version 1.
    #expect(await server.publish("chat", to: "lobby", payload: Array("\"ho\"".utf8)).sessionCount == 1)
    for await message in messages where message.type == .event {
      #expect(message.json == "ho" && message.eventVersion == 1)
      break
    }
    guard case .refused(let error) = await server.publish("note", to: "lobby", payload: Array("1".utf8)) else {
      Issue.record("a payload that is invalid was published")
      return
    }
    #expect(error.code == "payload.invalid" && error.path == "/x")
    let refusal = await #expect(throws: ProtocolError.self) {
      try await client.send(event: "note", payload: Array("1".utf8))
    }
    #expect(refusal?.path == "/x")
    await client.bye()
    await server.shutdown()
  }
}
