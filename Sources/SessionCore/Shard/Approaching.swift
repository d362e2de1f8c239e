/// Who is about to be served: what is touched for him is asked for while others are (`Prefetch`).
extension Shard {
  /// `members[index]` is about to be served: asks for what those behind it need.
  @inline(__always) func approach(_ members: [Slot], _ index: Int) {
    if index + Prefetch.far < members.count { sessions.approach(members[index + Prefetch.far]) { $0.prefetch() } }
    if index + Prefetch.near < members.count {
      sessions.approach(members[index + Prefetch.near]) { session in
        session.outbox.prefetchForAppend()
        if let slot = session.connection { connections.approach(slot) { $0.prefetch() } }
      }
    }
  }

  // MARK: For drivers

  /// The connection is to be drained after `Prefetch.far` others.
  package func approachFar(_ slot: Slot) { connections.approach(slot) { $0.prefetch() } }

  /// The connection is to be drained after `Prefetch.near` others.
  package func approachNear(_ slot: Slot) {
    connections.approach(slot) { connection in
      if let session = connection.session { sessions.approach(session) { $0.prefetch() } }
    }
  }

  /// The connection is to be drained next but one.
  package func approachNext(_ slot: Slot) {
    connections.approach(slot) { connection in
      if let session = connection.session { sessions.approach(session) { $0.outbox.prefetchForSending() } }
    }
  }
}
