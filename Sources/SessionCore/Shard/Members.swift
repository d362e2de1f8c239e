/// The members of a room that are on one shard.
final class LocalRoom {
  let name: String
  var members: [Slot] = []
  /// The last message of the room that came here.
  var position: LogPosition

  init(name: String, position: LogPosition) { (self.name, self.position) = (name, position) }
}

/// The shard as the place of sessions that are in rooms.
extension Shard {
  // MARK: In and out

  mutating func joined(_ room: String, _ sid: SessionID, _ entered: Entered, _ reply: Operation?) {
    guard let slot = slotBySID[sid], let session = sessions[slot] else {
      // It ended meanwhile, before it was known here that it is in the room.
      return post(.leave(room: room, sid, reply: nil), to: home(of: room))
    }
    let position = entered.position
    var request: JoinRequest?
    if reply != nil, case .join(let asked)? = session.busy?.inbound.kind { request = asked }
    let wantsPresence = request?.wantsPresence ?? false
    if let index = session.membershipIndex(room) {
      session.memberships[index].position = position
      session.memberships[index].wantsPresence = wantsPresence
    } else {
      session.memberships.append(Membership(name: room, wantsPresence: wantsPresence, position: position))
    }
    addToLocalRoom(session, room, position)
    guard let reply else { return restoredInto(room, session, entered) }
    // It joined by its last words: the others were told that it is away before it was a member.
    if session.isAwayTold { post(.presence(room: room, session.sid, .suspended), to: home(of: room)) }
    guard session.isBusy(with: reply.serial) else { return }
    var members: [JSONValue.Member] = [
      .init("room", .string(room)), .init("pos", position.json), .init("members", .int(entered.memberCount)),
    ]
    var recall = entered.recall
    if let continuity = recall?.fit(session.outbox.free(limits.outbox)) {
      members += continuity.members
    } else if request?.wish != nil {
      members.append(.init("history", .null))
    }
    finish(session, reply: JSONValue.object(members).bytes, room: room, then: recall?.messages ?? [])
  }

  mutating func joinRefused(_ room: String, _ sid: SessionID, _ error: ProtocolError, _ reply: Operation?) {
    guard let slot = slotBySID[sid], let session = sessions[slot] else { return }
    guard let reply else { return notRestored(room, session, error.code) }
    if session.isBusy(with: reply.serial) { finish(session, error: error) }
  }

  mutating func left(_ room: String, _ sid: SessionID, _ memberCount: Int, _ reply: Operation) {
    guard let slot = slotBySID[sid], let session = sessions[slot] else { return }
    removeFromLocalRoom(session, room)
    session.memberships.removeAll { $0.name.isSameName(as: room) }
    guard session.isBusy(with: reply.serial) else { return }
    finish(session, reply: Shard.leftPayload(room, memberCount: memberCount), room: room)
  }

  /// The room's home knows that the session is here; what it said meanwhile comes along.
  mutating func rehooked(_ room: String, _ sid: SessionID, _ held: consuming Held) {
    guard let slot = slotBySID[sid], let session = sessions[slot], session.membershipIndex(room) != nil else { return }
    session.outbox.appendLoss(count: held.lostCount, room: room)
    #if PlantedFaults
    if Planted.isOn(.heldMessagesComeBackwards) {
      for message in held.messages.reversed() { give(message, to: session) }
      held.messages = []
    }
    #endif
    for message in held.messages { give(message, to: session) }
    #if PlantedFaults
    if Planted.isOn(.heldMessagesComeTwice) { for message in held.messages { give(message, to: session) } }
    #endif
    if held.lostCount > 0 { markDirty(session) }
    addToLocalRoom(session, room, held.position)
    settled(session)
  }

  mutating func settled(_ session: Session) {
    if session.heldClaim != nil { grantIfAtRest(session) }
    if session.arrival != nil { welcomeIfEntered(session) }
  }

  private mutating func addToLocalRoom(_ session: Session, _ room: String, _ position: LogPosition) {
    guard let index = session.membershipIndex(room), session.memberships[index].index == nil else { return }
    let local = localRooms[room] ?? LocalRoom(name: room, position: position)
    localRooms[room] = local
    local.position = position
    session.memberships[index].index = local.members.count
    local.members.append(session.slot)
  }

  /// Takes the session out of the local list; the last member takes its place there.
  mutating func removeFromLocalRoom(_ session: Session, _ room: String) {
    guard let membership = session.membershipIndex(room), let place = session.memberships[membership].index,
      let local = localRooms[room]
    else { return }
    session.memberships[membership].index = nil
    session.memberships[membership].position = local.position
    let last = local.members.removeLast()
    if place < local.members.count {
      local.members[place] = last
      if let other = sessions[last], let index = other.membershipIndex(room) { other.memberships[index].index = place }
    }
    if local.members.isEmpty { localRooms[room] = nil }
  }

  // MARK: What the room says

  mutating func fanOut(_ room: String, _ message: SharedMessage, _ position: LogPosition) {
    guard let local = localRooms[room] else { return }
    local.position = position
    #if PlantedFaults
    if Planted.isOn(.slowMemberStopsTheRoom) {
      for slot in local.members {
        guard let session = sessions[slot] else { continue }
        give(message, to: session)
        if session.connection != nil, session.outbox.messageCount > session.window.messageCount { return }
      }
      return
    }
    #endif
    let members = local.members
    for index in members.indices {
      approach(members, index)
      sessions.lend(members[index])?._withUnsafeGuaranteedRef { give(message, to: $0) }
    }
  }

  mutating func fanOutTransient(_ room: String, _ message: SharedMessage) {
    guard let local = localRooms[room] else { return }
    for slot in local.members {
      guard let session = sessions[slot] else { continue }
      guard session.connection != nil, !isOverBudget,
        session.outbox.appendTransient(message, limits: limits.outbox)
      else {
        counters.transientDropped += 1
        continue
      }
      account(session)
      markDirty(session)
    }
  }

  mutating func fanOutToWatchers(_ room: String, _ message: SharedMessage, except sid: SessionID) {
    guard let local = localRooms[room] else { return }
    for slot in local.members {
      guard let session = sessions[slot], let index = session.membershipIndex(room),
        session.memberships[index].wantsPresence, session.sid != sid
      else { continue }
      give(message, to: session)
    }
  }

  /// One more message for a session: into its outbox, from where it goes when the client can take it.
  mutating func give(_ message: SharedMessage, to session: Session) {
    if session.version == 1, session.connection == nil {
      session.missedCount += 1
      return
    }
    // What waits already waits for the window, or the connection has been marked.
    let isMarked = session.outbox.hasUnsent
    put(message, into: session)
    if !isMarked { markDirty(session) }
  }
}
