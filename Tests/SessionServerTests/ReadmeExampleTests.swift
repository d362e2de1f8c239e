import NIOPosix
import SessionClient
import SessionCore
import SessionServer
import Testing

/// The program of README.md; a process test holds the two together.
struct ReadmeExample {
  static func makeServer(_ configuration: ServerConfiguration) -> SessionServer {
    struct Chat: Codable {
      var room, text: String
    }

    let server = SessionServer(configuration)
    server.on("chat.send") { event, session in
      let chat = try event.decode(Chat.self)
      return try .publish(room: chat.room, event: "chat.message", payload: ["text": chat.text, "by": session.principal.user])
    }
    return server
  }
}

@Suite struct ReadmeExampleTests {
  @Test func theServerOfReadmeAnswersItsClients() async throws {
    var configuration = ServerConfiguration()
    (configuration.port, configuration.loopCount, configuration.drainTimeoutMilliseconds) = (0, 2, 0)
    let server = ReadmeExample.makeServer(configuration)
    try await server.start()
    let url = "ws://127.0.0.1:\(server.boundPort ?? 0)/ws"
    let client = try await ClientHandle.make(
      SessionClient.Configuration(url: url), on: MultiThreadedEventLoopGroup.singleton)
    let messages = await client.messages()
    try await client.connect()
    _ = try await client.join("lobby")
    _ = try await client.send(event: "chat.send", payload: Array(#"{"room":"lobby","text":"hi"}"#.utf8))
    for await message in messages where message.type == .event {
      #expect(message.event == "chat.message")
      #expect(message.json["text"] == "hi" && message.json["by"] == "anonymous")
      break
    }
    let error = await #expect(throws: ProtocolError.self) {
      try await client.send(event: "chat.send", payload: Array("{}".utf8))
    }
    #expect(error?.code == "payload.invalid")
    await client.bye()
    await server.shutdown()
  }
}
