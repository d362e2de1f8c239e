/// A session that is gone, and what the application still knows of it: the restorer is asked, few times at once; its
/// answer is judged; the new session enters the rooms that it names, and is welcomed when it is in them.
extension Shard {
  // MARK: The question

  /// The session that the connection wants is not to be had.
  mutating func restore(_ connection: Connection) {
    guard configuration.asksRestorer, connection.hello?.resume?.sid != nil else { return create(connection) }
    guard restoresOpen >= limits.restorePendingCount else { return askRestorer(connection) }
    guard restoreQueue.count < limits.restoreQueueCount, connection.phase.queueToRestore() else {
      return refuse(connection, Shard.tooManyRestores, .tryLater)
    }
    restoreQueue.append(connection.slot)
    setAlarm(connection, after: limits.hookTimeoutMilliseconds)
  }

  /// A client that comes back is asked about again; one that began anew would have lost what the application knows.
  private static let tooManyRestores = ProtocolError(
    "server.busy", "too many sessions are being restored", retry: .later, retryAfterMilliseconds: 2_000)

  mutating func waitedTooLongToRestore(_ connection: Connection) {
    refuse(connection, Shard.tooManyRestores, .tryLater)
  }

  private mutating func askRestorer(_ connection: Connection) {
    guard let principal = connection.principal, let sid = connection.hello?.resume?.sid else { return }
    let token = HookToken(asker: .connection(connection.slot), serial: nextSerial())
    guard connection.phase.restore(token.serial) else { return }
    restoresOpen += 1
    setAlarm(connection, after: limits.hookTimeoutMilliseconds)
    out.append(.ask(token, .restore(principal: principal, previous: sid)))
  }

  /// A question was answered, or nobody waits for its answer any more: the next one's turn.
  mutating func restoreIsOver() {
    restoresOpen -= 1
    while restoresOpen < limits.restorePendingCount, let slot = restoreQueue.popFirst() {
      guard let connection = connections[slot], connection.phase.stage == .queuedToRestore else { continue }
      askRestorer(connection)
    }
  }

  // MARK: The answer

  mutating func restored(_ connection: Connection, _ answer: Answer) {
    restoreIsOver()
    switch answer {
    case .restored(let state, let rooms):
      guard let fault = faultOfRestored(state, rooms) else { return create(connection, state: state, rooms: rooms) }
      observe(
        LifecycleEvent(
          .restoreFailed, sid: connection.hello?.resume?.sid, connection: connection.id,
          user: connection.principal?.user, reason: fault))
      create(connection)
    case .refused(let error): refuse(connection, error, .serverError)
    default: create(connection)
    }
  }

  /// The restorer did not answer in time: the session begins empty.
  mutating func restoreTimedOut(_ connection: Connection) {
    if connection.phase.giveUpRestoring() { restored(connection, .nothing) }
  }

  /// What is wrong with the application's answer: then nothing of it is taken.
  private func faultOfRestored(_ state: [UInt8]?, _ rooms: [String]) -> String? {
    if let state {
      guard state.count <= limits.stateByteCount else {
        return "the restored state has \(state.count) bytes; the most is \(limits.stateByteCount)"
      }
      if let fault = Welcome.fault(ofState: state) { return "the restored state cannot be one: \(fault)" }
    }
    let isValid = rooms.allSatisfy { 1...Envelope.MaxBytes.room ~= $0.utf8.count && !$0.hasControlCharacter }
    return isValid ? nil : "a restored room's name is not 1 to \(Envelope.MaxBytes.room) bytes without control characters"
  }

  // MARK: Into the rooms

  /// The new session enters its rooms before its client is welcomed, so that `welcome` can tell where they stand and the
  /// replay brings what was missed.
  mutating func enter(_ rooms: [String], _ session: Session, _ connection: Connection, token: String) {
    guard connection.phase.enter(session.slot) else { return }
    session.arrival = Arrival(connection: connection.slot, token: token)
    setAlarm(connection, after: limits.hookTimeoutMilliseconds)
    for room in rooms where session.membershipIndex(room) == nil {
      guard session.memberships.count < limits.roomsPerSession else {
        noteNotRestored(room, session, "room.limit")
        continue
      }
      guard mayAct(.join, room, session) else {
        noteNotRestored(room, session, "room.forbidden")
        continue
      }
      var membership = Membership(name: room, wantsPresence: false, position: LogPosition(log: 0, offset: 0))
      if configuration.asksAuthorizer { membership.asking = nextSerial() }
      session.memberships.append(membership)
    }
    for membership in session.memberships {
      guard let serial = membership.asking else {
        enterRestored(membership.name, session)
        continue
      }
      out.append(
        .ask(
          HookToken(asker: .session(session.slot), serial: serial),
          .authorizeJoin(room: membership.name, principal: session.principal, sid: session.sid)))
    }
    welcomeIfEntered(session)
  }

  private mutating func enterRestored(_ room: String, _ session: Session) {
    let hello = session.arrival.flatMap { connections[$0.connection] }?.hello
    // Version 1 keeps nothing for a session that has no connection yet.
    let known = session.version > 1 ? hello?.resume?.positions[room] : nil
    post(
      .join(room: room, member(session, wantsPresence: false), known.map { .since($0) }, reply: nil),
      to: home(of: room))
  }

  /// The authorizer's answer on a room of a restored session. False if that was not the question.
  mutating func authorizedRestored(_ session: Session, _ serial: UInt64, _ answer: Answer) -> Bool {
    guard let index = session.memberships.firstIndex(where: { $0.asking == serial }) else { return false }
    let room = session.memberships[index].name
    session.memberships[index].asking = nil
    switch answer {
    case .authorized: enterRestored(room, session)
    case .refused(let error): notRestored(room, session, error.code)
    default: notRestored(room, session, "server.error")
    }
    return true
  }

  /// A room that was restored has the session.
  mutating func restoredInto(_ room: String, _ session: Session, _ entered: Entered) {
    if var recall = entered.recall, let index = session.membershipIndex(room) {
      session.memberships[index].continuity = recall.fit(session.outbox.free(limits.outbox))
      for message in recall.messages { give(message, to: session) }
    }
    settled(session)
  }

  /// A room that the session cannot be put into is left out; the others are not less true for it.
  mutating func notRestored(_ room: String, _ session: Session, _ reason: String) {
    session.memberships.removeAll { $0.name.isSameName(as: room) }
    noteNotRestored(room, session, reason)
    settled(session)
  }

  private mutating func noteNotRestored(_ room: String, _ session: Session, _ reason: String) {
    observe(
      LifecycleEvent(.roomNotRestored, sid: session.sid, user: session.principal.user, room: room, reason: reason))
  }

  mutating func welcomeIfEntered(_ session: Session) {
    guard let arrival = session.arrival, session.isAtRest, let connection = connections[arrival.connection],
      let hello = connection.hello
    else { return }
    session.arrival = nil
    attach(session, to: connection, hello, token: arrival.token, resumed: nil)
  }

  /// Rooms whose authorizer is silent are left out; a home that is silent is a fault of the server.
  mutating func enteringIsLate(_ connection: Connection) {
    guard let session = connection.phase.entering.flatMap({ sessions[$0] }) else { return }
    let silent = session.memberships.filter { $0.asking != nil }.map(\.name)
    session.memberships.removeAll { $0.asking != nil }
    for room in silent { noteNotRestored(room, session, "room.forbidden") }
    welcomeIfEntered(session)
    guard session.arrival != nil else { return }
    refuse(connection, ProtocolError("server.busy", "the rooms of the session are busy", retry: .later), .tryLater)
  }

  /// The client left before it was welcomed: nobody can ever name this session.
  mutating func endUnwelcomed(_ slot: Slot) {
    guard let session = sessions[slot], session.arrival != nil else { return }
    session.arrival = nil
    end(session, .ended, told: nil, reason: "its client left before welcome", .normal)
  }
}
