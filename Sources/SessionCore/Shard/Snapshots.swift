/// What operators may see: taken between two steps, so always consistent. Never a token, a credential or a payload.
extension Shard {
  public func sessions(now: Instant) -> [SessionSnapshot] {
    sessions.all.map { snapshot($0.element, now) }
  }

  public func session(_ sid: SessionID, now: Instant) -> SessionSnapshot? {
    slotBySID[sid].flatMap { sessions[$0] }.map { snapshot($0, now) }
  }

  func snapshot(_ session: Session, _ now: Instant) -> SessionSnapshot {
    let connection = session.connection.flatMap { connections[$0] }
    var idle: UInt64 = connection.map { now.milliseconds(since: $0.lastHeard) } ?? 0
    var expires: UInt64?
    if let since = session.phase.suspendedSince {
      idle = now.milliseconds(since: since)
      expires = session.expiry.deadline.milliseconds(since: now)
    }
    return SessionSnapshot(
      sid: session.sid, user: session.principal.user, instance: session.instance, connection: connection?.id,
      transport: connection?.description.transport, remote: connection?.description.remote, version: session.version,
      epoch: session.epoch, generation: session.generation, rooms: session.memberships.map(\.name),
      outboxMessages: session.outbox.messageCount, outboxBytes: session.outbox.byteCount, lastIn: session.lastIn,
      lastSeq: session.outbox.lastSeq, acked: session.outbox.ackedSeq, dropped: session.outbox.droppedCount,
      ageMilliseconds: now.milliseconds(since: session.createdAt), idleMilliseconds: idle,
      expiresInMilliseconds: expires)
  }

  /// The rooms whose home is this shard.
  public func rooms() -> [RoomSnapshot] { homeSlots.all.compactMap { snapshot($0.element) } }

  /// Nil if it is not there, or its home is another shard.
  public func room(_ name: String) -> RoomSnapshot? {
    guard let home = homes[name].flatMap({ homeSlots[$0] }) else { return nil }
    return snapshot(home)
  }

  private func snapshot(_ home: RoomHome) -> RoomSnapshot? {
    home.position.map {
      RoomSnapshot(
        name: home.name, members: home.members.keys.sorted(), position: $0,
        historyMessages: home.history?.messageCount ?? 0, historyBytes: home.history?.byteCount ?? 0)
    }
  }
}
