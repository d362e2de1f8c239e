import SessionCore

/// What a session holds, looked at after each event that touched it.
extension Judge {
  func probe(_ wire: Wire, _ session: SessionRecord) {
    guard let slot = wire.slot else { return }
    guard let probe = world.nodes[wire.node].shard.probe(connection: slot) else {
      guard !wire.isClosingAtServer, !wire.isClosedAtServer, !session.isEnded else { return }
      return accuse(.oneOwner, "wire \(wire.id) has lost \(session.sid) without a close")
    }
    require(probe.sid == session.sid, .oneOwner, "wire \(wire.id) carries \(probe.sid), not \(session.sid)")
    require(probe.connection == slot, .takeover, "\(session.sid) does not know wire \(wire.id), which carries it")
    // Who does not read cannot be told, nor can version 1.
    if wire.isBlocked || session.version == 1 {
      session.unackedSince = nil
    } else if probe.lastIn > session.ackWritten, session.unackedSince == nil {
      session.unackedSince = now
    }
    check(probe, session)
  }

  func check(_ probe: SessionProbe, _ session: SessionRecord) {
    if probe.acked < session.acked, probe.epoch == parsedEpoch(session) {
      accuse(.ackBounds, "\(session.sid): acknowledged \(probe.acked) after \(session.acked)")
    }
    session.acked = probe.acked
    require(
      probe.acked <= probe.lastSent && probe.lastSent <= probe.lastSeq, .ackBounds,
      "\(session.sid): acknowledged \(probe.acked), sent \(probe.lastSent), counted \(probe.lastSeq)")
    require(
      probe.lastIn <= probe.receivedIn || probe.connection == nil, .ackHonesty,
      "\(session.sid): processed \(probe.lastIn) of \(probe.receivedIn) that came")
    let bounds = limits.outbox
    if probe.messageCount > rules.clientWindow { slowAt = now }
    // One that was just taken in may be there beside replies, which are never dropped.
    let hasDroppable = probe.droppableByteCount > 2_048
    require(
      probe.messageCount <= bounds.messageCount || !hasDroppable, .boundedMemory,
      "\(session.sid): \(probe.messageCount) messages in an outbox for \(bounds.messageCount)")
    require(
      probe.heldByteCount <= bounds.byteCount || !hasDroppable || probe.messageCount < 2, .boundedMemory,
      "\(session.sid): \(probe.heldByteCount) bytes in an outbox for \(bounds.byteCount)")
    require(
      probe.inboxCount <= limits.window.messageCount + 1, .boundedMemory,
      "\(session.sid): \(probe.inboxCount) messages of the client wait, \(limits.window.messageCount) may")
    require(
      probe.membershipCount <= limits.roomsPerSession, .boundedMemory,
      "\(session.sid) is in \(probe.membershipCount) rooms")
  }

  private func parsedEpoch(_ session: SessionRecord) -> UInt64? { UInt64(session.epoch, radix: 16) }

  /// All outboxes together were too large: the largest pay, within a factor of two, whoever the message was for.
  func checkWhoPaid() {
    for node in world.nodes.indices where world.nodes[node].shard.budgetDroppedCount != budgetDropped[node] {
      checkWhoPaid(node)
    }
  }

  private func checkWhoPaid(_ node: Int) {
    budgetDropped[node] = world.nodes[node].shard.budgetDroppedCount
    let probes = world.nodes[node].shard.probes
    let largest = probes.map(\.droppableByteCount).max() ?? 0
    for probe in probes {
      guard let session = sessions[probe.sid] else { continue }
      defer { session.droppedForAll = probe.droppedForAll }
      // What version 1 was sent in this moment is done with.
      guard probe.droppedForAll > session.droppedForAll, probe.version == 2 else { continue }
      require(
        largest < 8_192 || probe.heldByteCount * 4 >= largest, .isolation,
        "\(probe.sid) holds \(probe.heldByteCount) bytes and lost messages to a budget that another fills with \(largest)")
    }
  }

  // MARK: All there is

  func audit() {
    var owners: [SessionID: Int] = [:]
    var total = 0
    let probes = world.nodes.map { $0.shard.probes }
    for (index, probes) in probes.enumerated() {
      for probe in probes {
        if let other = owners.updateValue(index, forKey: probe.sid) {
          accuse(.oneOwner, "\(probe.sid) is on shards \(other) and \(index)")
        }
      }
    }
    for (index, node) in world.nodes.enumerated() {
      let audit = node.shard.audit
      checkBounds(audit, index)
      total += audit.outboxBytes
      for probe in probes[index] { examine(probe, index) }
    }
    let slack = limits.outboxTotalByteCount / 16 + 65_536
    require(
      total <= limits.outboxTotalByteCount + slack, .boundedMemory,
      "all outboxes hold \(total) bytes, and may hold \(limits.outboxTotalByteCount)")
    if world.underwayCount == 0 { compareIndices() }
  }

  private func examine(_ probe: SessionProbe, _ node: Int) {
    guard let session = sessions[probe.sid] else { return accuse(.lifecycle, "\(probe.sid) began without an event") }
    require(!session.isEnded, .noResurrection, "\(probe.sid) has ended and is still there")
    check(probe, session)
    if let slot = probe.connection {
      let wire = world.wire(node, slot)
      require(wire != nil && session.attached === wire, .oneOwner, "\(probe.sid) is attached to nobody's connection")
      if let wire, wire.isPaused, probe.inboxCount == 0, !probe.isBusy {
        accuse(.quiescence, "wire \(wire.id) is not read, and nothing of \(probe.sid) waits")
      }
    } else if session.attached != nil, !probe.isClaimed, !probe.isArriving {
      accuse(.oneOwner, "\(probe.sid) is suspended, and wire \(session.attached?.id ?? -1) carries it")
    }
    if let since = probe.suspendedSince, !probe.isClaimed, !probe.isArriving {
      let since = max(since, session.claimedAt)
      let slack = limits.handlerTimeoutMilliseconds + limits.hookTimeoutMilliseconds
      require(
        now.milliseconds(since: since) <= probe.ttlMilliseconds + (session.claimedAt == since ? slack : 0), .expiry,
        "\(probe.sid) is there \(now.milliseconds(since: since)) ms after its drop, \(probe.ttlMilliseconds) were its time")
      require(probe.isWatched, .expiry, "\(probe.sid) is suspended and will never expire")
    }
  }

  private func checkBounds(_ audit: ShardAudit, _ node: Int) {
    require(audit.sessions <= limits.sessionCount, .boundedMemory, "shard \(node): \(audit.sessions) sessions")
    require(
      audit.waitingClaims <= limits.waitingClaimCount, .boundedMemory,
      "shard \(node): \(audit.waitingClaims) claims wait for one session")
    let share = (limits.helloPendingCount + world.nodes.count - 1) / world.nodes.count
    require(audit.pendingHellos <= max(1, share), .boundedMemory, "shard \(node): \(audit.pendingHellos) hellos wait")
    require(audit.restoresOpen <= limits.restorePendingCount, .boundedMemory, "shard \(node): \(audit.restoresOpen) restores")
    require(audit.tombstones <= limits.tombstoneCount, .boundedMemory, "shard \(node): \(audit.tombstones) tombstones")
    require(audit.historyBytes <= limits.historyByteCount, .boundedMemory, "shard \(node): \(audit.historyBytes) of history")
    require(audit.homes <= limits.roomCount, .boundedMemory, "shard \(node): \(audit.homes) rooms")
    require(audit.sessions == audit.sessionsByID, .indices, "shard \(node): \(audit.sessions) sessions, \(audit.sessionsByID) by id")
    for wire in world.nodes[node].wires {
      guard let wire, let slot = wire.slot else { continue }
      let count = world.nodes[node].shard.controlCount(of: slot)
      require(count <= 264, .boundedMemory, "wire \(wire.id): \(count) unsequenced messages wait")
    }
    guard let perUser = limits.sessionsPerUser else { return }
    var counts: [String: Int] = [:]
    for session in sessions.values where !session.isEnded { counts[session.user, default: 0] += 1 }
    if let most = counts.values.max() { require(most <= perUser, .boundedMemory, "a user has \(most) sessions") }
  }

  /// Sessions and rooms name each other, on every shard; a room without anything in it is not there.
  func compareIndices() {
    var bySession: [String: Set<SessionID>] = [:]
    for node in world.nodes {
      for probe in node.shard.probes {
        for room in node.shard.rooms(of: probe.sid) { bySession[room, default: []].insert(probe.sid) }
      }
    }
    var names: Set<String> = []
    for (index, node) in world.nodes.enumerated() {
      for room in node.shard.roomAudits where room.position != nil {
        names.insert(room.name)
        let members = bySession[room.name] ?? []
        require(
          members == Set(room.members), .indices,
          "room \(room.name) has \(room.members.count) members, and \(members.count) sessions say that they are in it")
        require(
          !room.members.isEmpty || room.historyCount > 0 || room.isWaiting, .indices,
          "room \(room.name) is empty and still there")
      }
      for name in node.shard.localRoomNames {
        let local = node.shard.localMembers(of: name)
        require(!local.isEmpty, .indices, "shard \(index): a list of nobody for \(name)")
        require(
          local.allSatisfy { bySession[name]?.contains($0) ?? false }, .indices,
          "shard \(index): a member of \(name) who does not know of it")
      }
    }
    for name in bySession.keys.sorted() where !names.contains(name) { accuse(.indices, "sessions are in \(name), which is not") }
  }
}
