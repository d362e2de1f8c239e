/// What happens, in words.
extension World {
  func describe(_ happening: Happening) -> String {
    "\(stepCount) \(now.nanoseconds / 1_000) us: \(words(happening))"
  }

  private func words(_ happening: Happening) -> String {
    switch happening {
    case .posted(let message, let node): "shard \(node) is told \(World.name(message))"
    case .toServer(let wire, let messages):
      "wire \(wire.id) to shard \(wire.node): \(messages.map { World.short($0[...]) }.joined(separator: " | "))"
    case .toClient(let wire, let bytes, let messages):
      "wire \(wire.id) to client: \(messages.map { World.short(bytes[$0]) }.joined(separator: " | "))"
    case .closedAtClient(let wire, let code): "wire \(wire.id) is closed at its client with \(code)"
    case .noticed(let wire, let code): "wire \(wire.id) is gone at shard \(wire.node), \(code.map { String($0) } ?? "no code")"
    case .pinged(let wire, let atClient, _): "wire \(wire.id): the transport's ping or pong, at the \(atClient ? "client" : "server")"
    case .answered(_, let answer, let node): "a hook answers shard \(node): \(World.name(answer))"
    case .handled(_, let outcome, let sid, let node): "a handler answers shard \(node) for \(sid): \(World.name(outcome))"
    case .logged(_, let position, let node): "the log answers shard \(node): \(position.offset)"
    case .timer(let node): "timers of shard \(node)"
    case .unread(let wire, _): "wire \(wire.id) is looked at: is it read"
    case .own(let id): "the run's own \(id)"
    }
  }

  /// Secrets stand in hellos and welcomes, of a world that is not real.
  private static func short(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes.prefix(160), as: UTF8.self) }

  private static func name(_ value: Any) -> String { String(String(describing: value).prefix(120)) }
}
