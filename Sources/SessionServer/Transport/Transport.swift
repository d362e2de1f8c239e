/// What carries a connection, by the name that operators see.
enum Transport: String, CaseIterable, Sendable {
  case webSocket = "websocket"
  case eventStream = "sse"
  case inProcess = "in-process"
}
