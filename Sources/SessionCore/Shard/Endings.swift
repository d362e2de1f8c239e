/// How connections and sessions end, and how they are told.
extension Shard {
  // MARK: Connections

  /// Tells the peer why, then closes. A session that is attached is suspended: only its own end ends it.
  mutating func refuse(_ connection: Connection, _ error: ProtocolError, _ code: CloseCode) {
    guard !connection.isClosing else { return }
    connection.control.append(MessageWriter.tail(.error, error.payload))
    close(connection, code, error.message)
  }

  mutating func close(_ connection: Connection, _ code: CloseCode, _ reason: String) {
    guard !connection.isClosing else { return }
    detach(connection)
    connection.alarm.cancel()
    connection.credentialAlarm.cancel()
    counters.closes[code.rawValue, default: 0] += 1
    out.append(.close(connection.slot, code, reason: reason.cut(toByteCount: Shard.maxCloseReasonByteCount)))
  }

  /// A close frame has room for so many of UTF-8 (RFC 6455 section 5.5).
  private static let maxCloseReasonByteCount = 123

  /// The connection no longer carries its session.
  mutating func detach(_ connection: Connection) {
    if connection.phase.stage == .authenticating { helloGate.pendingCount -= 1 }
    switch connection.phase.close() {
    case .already, .unattached: break
    case .restoring: restoreIsOver()
    case .entering(let slot): endUnwelcomed(slot)
    case .attached(let slot):
      guard let session = sessions[slot], session.connection == connection.slot else { return }
      noteAck(connection, session)
      suspend(session, isClaimed: false)
      workOn(session)
    }
  }

  func noteAck(_ connection: Connection, _ session: Session) {
    connection.lastAck = session.version > 1 ? session.lastIn : nil
  }

  /// `session` message: `replaced`, `revoked`, `expiring`.
  mutating func sendState(
    _ connection: Connection, _ state: String, reason: String? = nil, inMilliseconds: UInt64? = nil
  ) {
    var members: [JSONValue.Member] = [.init("state", .string(state))]
    if let reason { members.append(.init("reason", .string(reason))) }
    if let inMilliseconds { members.append(.init("in_ms", .int(inMilliseconds))) }
    connection.control.append(MessageWriter.tail(.session, .object(members)))
  }

  mutating func markDirty(_ connection: Connection) {
    guard !connection.isDirty else { return }
    connection.isDirty = true
    out.append(.write(connection.slot))
  }

  /// The session's connection, if it has one, has something to send.
  mutating func markDirty(_ session: Session) {
    guard let slot = session.connection else { return }
    connections.lend(slot)?._withUnsafeGuaranteedRef { markDirty($0) }
  }

  // MARK: Sessions

  /// What was received is worked on all the same, unless the client is back and sends it again.
  mutating func suspend(_ session: Session, isClaimed: Bool) {
    guard session.phase.suspend(now) else { return }
    activeSessionCount -= 1
    let losses = session.outbox.losses
    session.outbox.rewind()
    count(session.outbox.losses, since: losses)
    if session.version == 1 { session.missedCount += session.outbox.forget() }
    account(session)
    if isClaimed { dropInbox(session) }
    session.ackDelay.cancel()
    session.overrun.cancel()
    session.isAckDue = false
    startExpiry(session)
    observe(LifecycleEvent(.sessionSuspended, sid: session.sid, user: session.principal.user))
    #if PlantedFaults
    if Planted.isOn(.dropLeavesARoom), session.busy == nil, let last = session.memberships.last {
      removeFromLocalRoom(session, last.name)
      session.memberships.removeLast()
      post(.leave(room: last.name, session.sid, reply: nil), to: home(of: last.name))
    }
    #endif
    if !isClaimed { tellRooms(session, .suspended) }
  }

  mutating func tellRooms(_ session: Session, _ change: MemberChange) {
    session.isAwayTold = change == .suspended
    for membership in session.memberships {
      post(.presence(room: membership.name, session.sid, change), to: home(of: membership.name))
    }
  }

  mutating func startExpiry(_ session: Session) {
    #if PlantedFaults
    let changed = Planted.isOn(.expiresEarly) ? session.ttlMilliseconds / 2 : session.ttlMilliseconds * 2
    if Planted.isOn(.expiresEarly) || Planted.isOn(.expiresLate) {
      let key = TimerKey(purpose: .expiry, slot: session.slot)
      return session.expiry.set(now.advanced(byMilliseconds: changed), key, in: &timers)
    }
    #endif
    session.expiry.set(
      now.advanced(byMilliseconds: session.ttlMilliseconds), TimerKey(purpose: .expiry, slot: session.slot), in: &timers)
  }

  /// The session is over, for good. A connection that is attached is told and closed.
  mutating func end(
    _ session: Session, _ tombstone: ResumeRefusal, told state: String?, reason: String, _ code: CloseCode
  ) {
    if let slot = session.connection, let connection = connections[slot] {
      if let state { sendState(connection, state, reason: reason) }
      noteAck(connection, session)
      if session.phase.suspend(now) { activeSessionCount -= 1 }
      close(connection, code, reason)
    }
    if let arrival = session.arrival, let connection = connections[arrival.connection] {
      session.arrival = nil
      if let state { sendState(connection, state, reason: reason) }
      close(connection, code, reason)
    }
    for membership in session.memberships {
      removeFromLocalRoom(session, membership.name)
      #if PlantedFaults
      if Planted.isOn(.homeKeepsTheExpired), tombstone == .expired { continue }
      #endif
      post(.leave(room: membership.name, session.sid, reply: nil), to: home(of: membership.name))
    }
    #if PlantedFaults
    if Planted.isOn(.endedComesBack), tombstone == .expired {
      counters.sessionsEnded += 1
      return observe(LifecycleEvent(.sessionEnded, sid: session.sid, user: session.principal.user, reason: reason))
    }
    #endif
    remove(session)
    let user = session.principal.user
    #if PlantedFaults
    if !Planted.isOn(.userKeepsTheDead) { post(.userSession(user: user, session.sid, isThere: false), to: home(of: user)) }
    #else
    post(.userSession(user: user, session.sid, isThere: false), to: home(of: user))
    #endif
    post(
      .ended(
        session.sid, Tombstone(user: user, tokens: session.tokens, lastIn: session.lastIn, reason: tombstone)),
      to: registrar(of: session.sid))
    counters.sessionsEnded += 1
    observe(LifecycleEvent(.sessionEnded, sid: session.sid, user: user, reason: reason))
  }

  // MARK: Timers

  mutating func setAlarm(_ connection: Connection, after milliseconds: UInt64) {
    connection.alarm.set(
      now.advanced(byMilliseconds: milliseconds), TimerKey(purpose: .connection, slot: connection.slot), in: &timers)
  }

  mutating func sweepTimers() {
    timers.sweep { key in
      switch key.purpose {
      case .connection, .credential: connections[key.slot] != nil
      case .expiry, .overrun, .delayedAck, .handler: sessions[key.slot] != nil
      case .room: homeSlots[key.slot] != nil
      }
    }
  }

  mutating func fire(_ key: TimerKey, _ deadline: Instant) {
    switch key.purpose {
    case .connection:
      guard let connection = connections[key.slot], connection.alarm.isDue(deadline, now: now, key, in: &timers) else {
        return
      }
      connectionIsDue(connection)
    case .credential:
      guard let connection = connections[key.slot],
        connection.credentialAlarm.isDue(deadline, now: now, key, in: &timers)
      else { return }
      credentialIsDue(connection)
    case .expiry:
      guard let session = sessions[key.slot], session.expiry.isDue(deadline, now: now, key, in: &timers) else { return }
      // A claim is under way: the session goes to it, or starts its time anew.
      guard session.phase.suspendedSince != nil, session.heldClaim == nil else { return }
      #if PlantedFaults
      if Planted.isOn(.expiresTwice) {
        observe(LifecycleEvent(.sessionEnded, sid: session.sid, user: session.principal.user, reason: "expired"))
      }
      #endif
      end(session, .expired, told: nil, reason: "expired", .expired)
    case .overrun:
      guard let session = sessions[key.slot], session.overrun.isDue(deadline, now: now, key, in: &timers) else { return }
      overrunIsDue(session)
    case .delayedAck:
      guard let session = sessions[key.slot], session.ackDelay.isDue(deadline, now: now, key, in: &timers) else { return }
      guard session.version > 1 else { return work(session) }
      guard session.lastIn > session.lastAckSent else { return }
      #if PlantedFaults
      if Planted.isOn(.ackIsNeverSent) { return }
      #endif
      session.isAckDue = true
      markDirty(session)
    case .handler:
      guard let session = sessions[key.slot], session.handlerDeadline.isDue(deadline, now: now, key, in: &timers) else {
        return
      }
      handlerIsLate(session)
    case .room:
      guard let home = homeSlots[key.slot], home.alarm.isDue(deadline, now: now, key, in: &timers) else { return }
      roomIsDue(home)
    }
  }

  private mutating func connectionIsDue(_ connection: Connection) {
    switch connection.phase.stage {
    case .awaitingHello:
      refuse(connection, ProtocolError("hello.timeout", "no hello came in time"), .helloTimeout)
    case .authenticating:
      let error = ProtocolError("server.error", "the authenticator did not answer in time", retry: .later)
      refuse(connection, error, .serverError)
    case .claiming:
      refuse(connection, ProtocolError("server.busy", "the session is busy", retry: .later), .tryLater)
    case .queuedToRestore: waitedTooLongToRestore(connection)
    case .restoring: restoreTimedOut(connection)
    case .entering: enteringIsLate(connection)
    case .active: checkHeartbeat(connection)
    case .closing: break
    }
  }

  // MARK: Heartbeat

  /// The first ping comes somewhere in the interval, so that the pings of a storm's survivors are spread.
  mutating func startHeartbeat(_ connection: Connection) {
    connection.silence = .none
    let half = limits.pingIntervalMilliseconds / 2
    connection.pingAfterMilliseconds = half + random.next() % (half + 1)
    setAlarm(connection, after: connection.pingAfterMilliseconds)
  }

  private mutating func checkHeartbeat(_ connection: Connection) {
    let silent = now.milliseconds(since: connection.lastHeard)
    if connection.silence != .none, connection.lastHeard > connection.pingedAt { connection.silence = .none }
    let waited = now.milliseconds(since: connection.pingedAt)
    switch connection.silence {
    case .none where silent < connection.pingAfterMilliseconds:
      setAlarm(connection, after: connection.pingAfterMilliseconds - silent)
    case .none: ping(connection)
    case .pinged where waited < limits.pingTimeoutMilliseconds:
      setAlarm(connection, after: limits.pingTimeoutMilliseconds - waited)
    case .pinged where waited > limits.pingTimeoutMilliseconds + 1_000:
      // It is this process that slept: what the peer sent meanwhile has not been read yet.
      ping(connection)
    case .pinged:
      connection.silence = .lastChance
      setAlarm(connection, after: Heartbeat.lastChanceMilliseconds)
    case .lastChance:
      counters.pongTimeouts += 1
      close(connection, .noPong, "no answer to a ping")
    }
  }

  private mutating func ping(_ connection: Connection) {
    connection.silence = .pinged
    connection.pingedAt = now
    connection.pingAfterMilliseconds = limits.pingIntervalMilliseconds
    // Looked at again when the next ping may be due, if that is sooner.
    setAlarm(connection, after: min(limits.pingTimeoutMilliseconds, limits.pingIntervalMilliseconds))
    if connection.version == 1 { return out.append(.transportPing(connection.slot)) }
    connection.control.append(MessageWriter.tail(.ping, payload: MessageWriter.emptyPayload))
    markDirty(connection)
  }
}

/// Times of the heartbeat that nobody needs to set.
enum Heartbeat {
  /// Between the end of the time for an answer and the end of the connection: what has arrived is read first.
  static let lastChanceMilliseconds: UInt64 = 20
}
