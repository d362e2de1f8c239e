import SessionCore

/// What must hold when the faults are over, when the server drains, and when everybody has gone.
extension Judge {
  func beginDraining() {
    isDraining = true
    for record in wires { record.isToldDraining = false }
  }

  /// All that can be told are told, in the same moment.
  func checkDrainingIsTold() {
    world.finishMoment()
    for record in wires where record.isWelcomed && record.session?.attached === record.wire {
      let wire = record.wire
      guard !wire.isBlocked, !wire.isClosingAtServer, !wire.isClosedAtServer else { continue }
      require(record.isToldDraining, .shutdown, "wire \(wire.id) was not told that the server drains")
    }
  }

  /// - Parameter count: connections that were there at the deadline.
  func checkIsShutDown(_ count: Int) {
    for record in wires.prefix(count) where !record.wire.isClosedAtServer && !record.wire.isClosingAtServer {
      accuse(.shutdown, "wire \(record.wire.id) is open after the deadline")
    }
    for node in world.nodes { require(node.shard.audit.activeSessions == 0, .shutdown, "a session is active after the deadline") }
  }

  /// What waits for somebody, in words; nil if nothing does.
  var fullQueue: String? {
    for node in world.nodes {
      for probe in node.shard.probes {
        guard let session = sessions[probe.sid], let wire = session.attached, !session.isTainted, probe.version == 2,
          !wires[wire.id].isHostile
        else { continue }
        if probe.hasUnsent { return "\(probe.sid) has messages that are not sent: \(probe.lastSent) of \(probe.lastSeq) are" }
        if probe.acked < probe.lastSeq { return "\(probe.sid): its client has acknowledged \(probe.acked) of \(probe.lastSeq)" }
        if probe.inboxCount > 0 || probe.isBusy { return "\(probe.sid): messages of its client are not processed" }
        if wire.isPaused { return "wire \(wire.id) is not read" }
      }
    }
    return nil
  }

  /// Connections, sessions, rooms, timers: nothing is left of what is gone.
  func checkNothingIsLeft() {
    for record in wires {
      require(record.closedCount == 1, .lifecycle, "wire \(record.wire.id) was told closed \(record.closedCount) times")
    }
    for sid in sessions.keys.sorted() where sessions[sid]?.isEnded == false {
      accuse(.expiry, "\(sid) outlived its time")
    }
    for (index, node) in world.nodes.enumerated() {
      let audit = node.shard.audit
      require(audit == ShardAudit(), .lifecycle, "shard \(index) keeps \(audit)")
      require(node.shard.nextDeadline == .never, .lifecycle, "shard \(index) has a timer, for nobody")
    }
  }
}
