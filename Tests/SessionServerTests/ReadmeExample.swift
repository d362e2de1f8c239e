import SessionServer

/// The example of README.md, so that it is compiled; Tests/process/test_readme.py compares the two.
func runReadmeExample() async throws {
  struct Chat: Codable {
    var room, text: String
  }

  let server = SessionServer()
  server.on("chat.send") { event, session in
    let chat = try event.decode(Chat.self)
    let said = ["text": chat.text, "by": session.principal.user]
    return try .publish(room: chat.room, event: "chat.message", payload: said)
  }
  try await server.run()
}
