import SessionCore

/// Asks the shards, for operators and for backends.
struct ShardDesk: Sendable {
  let services: Services
  let peers: [Peer]

  func collect<Value: Sendable>(_ read: @escaping @Sendable (ShardDriver) -> Value) async throws -> [Value] {
    var values: [Value] = []
    for peer in peers { values.append(try await peer.read(read)) }
    return values
  }

  func session(_ sid: SessionID) async throws -> SessionSnapshot {
    for peer in peers {
      if let session = try await peer.read({ $0.shard.session(sid, now: $0.readClock()) }) { return session }
    }
    throw ShardDesk.noSession
  }

  func room(_ name: String) async throws -> RoomSnapshot {
    let peer = peers[Shard.home(of: name, shardCount: peers.count)]
    guard let room = try await peer.read({ $0.shard.room(name) }) else {
      throw HTTPFault(404, "room.unknown", "no such room")
    }
    return room
  }

  /// What came of a command that any shard takes.
  func execute(_ command: Command) async throws -> CommandResult {
    let result = await peers[0].execute(command)
    guard case .refused(let error) = result else { return result }
    throw error.retry == .never ? HTTPFault(400, error.code, error.message) : .unavailable(error)
  }

  func kick(_ sid: SessionID, _ reason: String, by who: String) async throws {
    guard try await execute(.kick(sid, reason: reason)) != .notFound else { throw ShardDesk.noSession }
    services.logger.notice("session kicked", metadata: ["sid": "\(sid)", "reason": "\(reason)", "by": "\(who)"])
  }

  /// How many sessions were ended.
  func kick(user: String, _ reason: String, by who: String) async throws -> Int {
    guard case .done(let count) = try await execute(.kickUser(user, reason: reason)) else {
      throw HTTPFault(404, "user.unknown", "no session of that user")
    }
    services.logger.notice(
      "user kicked",
      metadata: [
        "user": "\(user)", "sessions": .stringConvertible(count), "reason": "\(reason)", "by": "\(who)",
      ])
    return count
  }

  /// Asks the session's client to come back on another connection.
  func advise(_ sid: SessionID, _ delay: UInt64) async throws {
    switch try await execute(.advise(sid, reconnectAfterMilliseconds: delay)) {
    case .done(0): throw HTTPFault(409, "session.suspended", "the session has no connection")
    case .notFound: throw ShardDesk.noSession
    default: break
    }
  }

  private static let noSession = HTTPFault(404, "session.unknown", "no such session")
}

extension Peer {
  func execute(_ command: Command) async -> CommandResult {
    await withCheckedContinuation { continuation in
      if !post(.execute(command, continuation)) { continuation.resume(returning: .stopped) }
    }
  }
}

extension CommandResult {
  /// The answer of a server that is going down.
  static let stopped = CommandResult.refused(
    ProtocolError("server.draining", "the server is going down", retry: .later))
}
