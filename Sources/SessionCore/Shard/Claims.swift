/// The shard as the owner of sessions that others claim, and as who gets them.
extension Shard {
  /// The registrar asks for a session that is here, for a connection that claims it.
  mutating func release(_ claim: Claim) {
    // A session that ended while the request was on its way: the registrar has heard of it and answers.
    guard let slot = slotBySID[claim.sid], let session = sessions[slot] else { return }
    if let refusal = judge(claim, session) ?? limitTakeovers(session) {
      post(.claimRefused(session.sid, refusal), to: registrar(of: session.sid))
      if refusal == .tokenReuse { revokeForReuse(session) }
      return
    }
    replaceConnection(session)
    session.heldClaim = claim
    grantIfAtRest(session)
  }

  /// In this order: PROTOCOL.md, "Resume".
  private func judge(_ claim: Claim, _ session: Session) -> ResumeRefusal? {
    let verdict = session.tokens.judge(claim.tokenDigest)
    if verdict == .wrong { return .token }
    // Another user's use of an old token must not end the session.
    #if PlantedFaults
    if Planted.isOn(.anyUserDoes) { return nil }
    #endif
    if !claim.user.isSameName(as: session.principal.user) { return verdict == .retired ? .token : .principal }
    // A `hello` that was long under way, whose client gave it up and came back on a newer connection: no theft, and not
    // the newest. Who shows the current token has heard of the newest, whenever the connection was opened.
    if verdict != .current, claim.connectionOpenedAt < session.connectionOpenedAt { return .superseded }
    if verdict == .retired { return .tokenReuse }
    guard claim.version > 1, session.version > 1 else { return nil }
    if claim.epoch != session.epoch { return .epoch }
    return claim.ack > session.outbox.lastSentSeq ? .ackFromTheFuture : nil
  }

  /// Connections that take a session from one another in turns are stopped: the one that has it keeps it.
  private mutating func limitTakeovers(_ session: Session) -> ResumeRefusal? {
    guard session.connection != nil else { return nil }
    let bound = RateBucket.Bound(count: limits.takeoverCount, windowMilliseconds: limits.takeoverWindowMilliseconds)
    guard session.takeovers.take(bound, now: now) == nil else {
      counters.takeoversRefused += 1
      return .takeoverLimit
    }
    counters.takeovers += 1
    return nil
  }

  private mutating func revokeForReuse(_ session: Session) {
    counters.tokenReuses += 1
    observe(LifecycleEvent(.tokenReused, sid: session.sid, user: session.principal.user))
    end(session, .ended, told: "revoked", reason: "token_reuse", .tokenReuse)
  }

  /// The newest wins: the older connection is closed before the newer one is welcomed.
  private mutating func replaceConnection(_ session: Session) {
    guard let slot = session.connection, let connection = connections[slot] else { return }
    #if PlantedFaults
    if !Planted.isOn(.replacedIsNotTold) { sendState(connection, "replaced", reason: nil) }
    #else
    sendState(connection, "replaced", reason: nil)
    #endif
    noteAck(connection, session)
    suspend(session, isClaimed: true)
    #if PlantedFaults
    if Planted.isOn(.replacedStaysOpen) { return }
    #endif
    close(connection, .replaced, "another connection took the session")
  }

  /// A claimed session goes as soon as nothing is under way that would come back to this shard.
  mutating func grantIfAtRest(_ session: Session) {
    guard let claim = session.heldClaim, session.isAtRest else { return }
    session.heldClaim = nil
    session.expiry.cancel()
    if claim.shard == configuration.index {
      post(.stayed(session.sid), to: registrar(of: session.sid))
      return take(session, claim)
    }
    let moves = session.phase.move(claim, roomsToTell: session.memberships.count)
    precondition(moves, "a claimed session was suspended when its connection was replaced")
    for membership in session.memberships {
      post(.unhook(room: membership.name, session.sid), to: home(of: membership.name))
    }
    moveIfUnhooked(session)
  }

  /// A room's home holds its messages for the session from here on; what it said before has arrived.
  mutating func unhooked(_ room: String, _ sid: SessionID) {
    guard let slot = slotBySID[sid], let session = sessions[slot], session.phase.roomTold() else { return }
    removeFromLocalRoom(session, room)
    moveIfUnhooked(session)
  }

  private mutating func moveIfUnhooked(_ session: Session) {
    guard session.phase.mayGo else { return }
    #if PlantedFaults
    if Planted.isOn(.ownerKeepsItsCopy) { return post(.moved(session.transfer), to: registrar(of: session.sid)) }
    #endif
    remove(session)
    post(.moved(session.transfer), to: registrar(of: session.sid))
  }

  // MARK: Who gets it

  mutating func granted(_ claim: Claim, _ transfer: SessionTransfer) {
    let now = now
    let slot = sessions.insert { Session(slot: $0, arriving: transfer, now: now) }
    guard let session = sessions[slot] else { return }
    slotBySID[session.sid] = slot
    #if PlantedFaults
    if Planted.isOn(.moverLosesARoom), let last = session.memberships.popLast() {
      post(.leave(room: last.name, session.sid, reply: nil), to: home(of: last.name))
    }
    #endif
    account(session)
    for membership in session.memberships {
      post(
        .rehook(room: membership.name, session.sid, shard: configuration.index), to: home(of: membership.name))
    }
    take(session, claim)
  }

  /// Attaches the session to the connection that claimed it; if that is gone meanwhile, the session waits on.
  private mutating func take(_ session: Session, _ claim: Claim) {
    guard let connection = connections[claim.connection], connection.phase.stage == .claiming,
      let hello = connection.hello, let principal = connection.principal
    else { return keepWaiting(session) }
    let secret = newToken()
    session.tokens.rotate(presented: claim.tokenDigest, next: secret.digest)
    adopt(principal, session)
    var resumed = Resumed()
    if claim.version == 2, session.version == 2 {
      let isKnown = session.outbox.resume(from: claim.ack)
      precondition(isKnown, "the owner has judged the claim")
      resumed.skipped = skipLost(session, claim.firstUnacked)
    } else if claim.version != session.version {
      session.renumber(epoch: random.next(), version: claim.version)
    }
    account(session)
    counters.resumes += 1
    counters.replayed += UInt64(session.outbox.messageCount)
    observe(
      LifecycleEvent(
        .sessionResumed, sid: session.sid, connection: connection.id, user: principal.user))
    attach(session, to: connection, hello, token: secret.text, resumed: resumed)
    if session.isAwayTold { tellRooms(session, .resumed) }
  }

  /// Nobody is there who could take it: it is suspended like any other, and its rooms hear of it.
  private mutating func keepWaiting(_ session: Session) {
    startExpiry(session)
    if !session.isAwayTold { tellRooms(session, .suspended) }
    workOn(session)
  }

  /// A client that no longer holds what comes next after `lastIn` cannot send it again: it is told which are lost.
  private func skipLost(_ session: Session, _ firstUnacked: UInt64?) -> ClosedRange<UInt64>? {
    guard let firstUnacked, firstUnacked > session.lastIn + 1 else { return nil }
    let skipped = session.lastIn + 1...firstUnacked - 1
    (session.lastIn, session.receivedIn) = (firstUnacked - 1, firstUnacked - 1)
    return skipped
  }
}
