import NIOCore

/// What carries a connection, by the name that operators see.
enum Transport: String, CaseIterable, Sendable {
  case webSocket = "websocket"
  case eventStream = "sse"
  case inProcess = "in-process"
}

extension ChannelHandlerContext {
  /// Puts another handler in the place of one, at once. False if the channel is gone.
  func replace(_ old: some RemovableChannelHandler, with new: some ChannelHandler) -> Bool {
    do {
      try pipeline.syncOperations.addHandler(new, position: .after(old))
    } catch {
      return false
    }
    pipeline.syncOperations.removeHandler(old, promise: nil)
    return true
  }
}
