/// A session's messages, one after the other: the next begins when the one before is processed, that is, when its reply
/// is in the outbox and `lastIn` counts it.
extension Shard {
  /// Begins what waits, as long as it can be finished at once.
  mutating func work(_ session: Session) {
    // A client that sends and never acknowledges what it gets back is made to wait.
    while session.busy == nil, session.saysBye || !mustWait(session),
      let inbound = session.dequeue()
    {
      begin(inbound, session) { _ in nil }
    }
    guard let slot = session.connection else {
      // Answers fill its outbox, and nobody is there to take any: who comes back sends the rest again.
      return session.busy == nil ? dropInbox(session) : accountForAway(session)
    }
    connections.lend(slot)?._withUnsafeGuaranteedRef { readOn($0, session) }
  }

  /// What was received and not begun will be sent again.
  mutating func dropInbox(_ session: Session) {
    session.dropInbox()
    accountForAway(session)
  }

  /// What waits for its turn without a connection is in the account, of this session and of all.
  mutating func accountForAway(_ session: Session) {
    let cost = session.connection == nil ? session.inboxCost : 0
    awayInboxByteCount += cost - session.awayInboxByteCount
    session.awayInboxByteCount = cost
  }

  /// The connection has ended: what was received is worked on all the same, as far as there is room for those who do so.
  mutating func workOn(_ session: Session) {
    guard session.inboxCount > 0 else { return }
    guard awayInboxByteCount + session.inboxCost <= limits.awayInboxByteCount else { return dropInbox(session) }
    // What waited for the outbox of version 1 is not awaited any more.
    if session.busy == nil { work(session) } else { accountForAway(session) }
  }

  /// The connection's messages are taken again if the session has got through enough of them.
  private mutating func readOn(_ connection: Connection, _ session: Session) {
    guard connection.isPaused, session.inboxCount <= limits.window.messageCount / 2,
      session.inboxByteCount <= limits.window.byteCount / 2
    else { return }
    connection.isPaused = false
    #if PlantedFaults
    if Planted.isOn(.pausedForEver) { return }
    #endif
    out.append(.resumeReading(connection.slot))
  }

  /// The session works on the message from now on.
  /// - Parameter serve: see `receive`.
  mutating func begin(_ inbound: consuming Inbound, _ session: Session, _ serve: Serving) {
    // Mostly a handler takes it as it stands. Nobody but the session is to hold it then: each one that does is counted.
    if inbound.isEvent, !hasEventRules, case .handler(let handler) = inbound.decision,
      isAllowed(.event, inbound.name, session)
    {
      inbound.send(to: handler, version: inbound.version, castPayload: nil, of: session)
      // It is held here until then.
      if let outcome = inbound.lent._withUnsafeGuaranteedRef({ serve(Delivery($0)) }) {
        return finish(consume inbound, outcome, session)
      }
      return deliver(consume inbound, nextSerial(), session)
    }
    session.busy = Busy(serial: nextSerial(), inbound: copy inbound)
    if inbound.isEvent { return dispatch(consume inbound, session) }
    switch inbound.kind {
    case .join(let request): beginJoin(inbound.room ?? "", request, session)
    case .leave:
      let room = inbound.room ?? ""
      guard !room.hasControlCharacter else { return finish(session, error: Shard.invalidRoom) }
      post(.leave(room: room, session.sid, reply: operation(session)), to: home(of: room))
    case .bye(let reason):
      session.busy = nil
      end(session, .ended, told: nil, reason: "bye: \(reason.cut(toByteCount: 64))", .normal)
    }
  }

  private mutating func dispatch(_ inbound: consuming Inbound, _ session: Session) {
    // What nobody handles is for the room that it names, or for nobody.
    guard inbound.decision.isUnknown || mayAct(.event, inbound.name, session) else {
      return finish(session, error: .forbidden(.event, inbound.name))
    }
    if inbound.decision.isUnknown, let room = inbound.room, !mayAct(.publish, room, session) {
      return finish(session, error: .forbidden(.publish, room))
    }
    guard hasEventRules else {
      let (decision, version) = (inbound.decision, inbound.version)
      return dispatch(consume inbound, decision, version, cast: nil, session)
    }
    // Only what may be said is worth being judged.
    guard let (version, payload) = admit(inbound.name, inbound.version, inbound.payload, session) else { return }
    if version == inbound.version { return dispatch(inbound, inbound.decision, version, cast: nil, session) }
    dispatch(inbound, configuration.dispatcher.decide(inbound.name, version: version), version, cast: payload, session)
  }

  /// - Parameters:
  ///   - version: the event's, as handlers know it.
  ///   - payload: in that version; nil if it was said in it.
  private mutating func dispatch(
    _ inbound: consuming Inbound, _ decision: Dispatcher.Decision, _ version: UInt64, cast payload: [UInt8]?,
    _ session: Session
  ) {
    switch decision {
    case .handler(let handler):
      inbound.send(to: handler, version: version, castPayload: payload, of: session)
      deliver(consume inbound, session.busy?.serial ?? 0, session)
    case .unknown:
      guard let room = inbound.room else {
        return finish(session, error: ProtocolError("event.unknown", "no handler takes \"\(inbound.name)\""))
      }
      publish(room, RoomEvent(
        event: inbound.name, eventVersion: version, from: session.sid, key: inbound.key,
        isTransient: inbound.isTransient, payload: payload ?? inbound.payload), session)
    case .unsupportedVersion(let supported):
      var error = ProtocolError("event.version", "\"\(inbound.name)\" is not known in version \(inbound.version)")
      error.supported = supported
      finish(session, error: error)
    }
  }

  /// - Parameters:
  ///   - inbound: one that is addressed.
  ///   - serial: of the session's work on it.
  private mutating func deliver(_ inbound: consuming Inbound, _ serial: UInt64, _ session: Session) {
    session.busy = Busy(serial: serial, inbound: consume inbound)
    setHandlerDeadline(session, limits.handlerTimeoutMilliseconds)
    out.append(.deliver(HandlerToken(session: session.slot, serial: serial)))
  }

  /// Lends the event of a `deliver` effect to `handle`, which answers with its outcome, to be told with `handled` when
  /// this is over; nil if that comes later. Nil, too, if nobody waits for it any more.
  ///
  /// The message is not counted meanwhile, since that takes two atomic operations; who keeps it holds it. Proof that
  /// what is lent lives: the session holds it until the next step, and there is none before this ends.
  public borrowing func lendDelivery(_ token: HandlerToken, to handle: Serving) -> HandlerOutcome? {
    sessions.lend(token.session)?._withUnsafeGuaranteedRef { session in
      guard session.isBusy(with: token.serial), let inbound = session.busy?.lent else { return nil }
      return inbound._withUnsafeGuaranteedRef { handle(Delivery($0)) }
    }
  }

  private mutating func publish(_ room: String, _ event: RoomEvent, _ session: Session) {
    guard !room.hasControlCharacter else { return finish(session, error: Shard.invalidRoom) }
    guard session.membershipIndex(room) != nil else {
      return finish(session, error: ProtocolError("room.not_joined", "join \"\(room)\" before sending to it"))
    }
    post(.publish(room: room, event, reply: .operation(operation(session))), to: home(of: room))
  }

  private static let invalidRoom = ProtocolError("room.invalid", "a room's name has no control characters")

  private mutating func beginJoin(_ room: String, _ request: JoinRequest, _ session: Session) {
    guard !room.hasControlCharacter else { return finish(session, error: Shard.invalidRoom) }
    guard mayAct(.join, room, session) else { return finish(session, error: .forbidden(.join, room)) }
    if let fault = request.fault { return finish(session, error: ProtocolError("payload.invalid", fault)) }
    guard session.membershipIndex(room) != nil || session.memberships.count < limits.roomsPerSession else {
      let error = ProtocolError("room.limit", "a session can be in \(limits.roomsPerSession) rooms")
      return finish(session, error: error)
    }
    guard configuration.asksAuthorizer, let serial = session.busy?.serial else { return join(room, session) }
    setHandlerDeadline(session, limits.hookTimeoutMilliseconds)
    out.append(
      .ask(
        HookToken(asker: .session(session.slot), serial: serial),
        .authorizeJoin(room: room, principal: session.principal, sid: session.sid)))
  }

  mutating func authorizerAnswered(_ slot: Slot, _ serial: UInt64, _ answer: Answer) {
    guard let session = sessions[slot], !authorizedRestored(session, serial, answer) else { return }
    guard let busy = session.busy, busy.serial == serial, busy.deadline < .never, case .join = busy.inbound.kind,
      let room = busy.inbound.room
    else { return }
    session.busy?.deadline = .never
    session.handlerDeadline.cancel()
    switch answer {
    case .authorized: join(room, session)
    case .refused(let error): finish(session, error: error)
    default: finish(session, error: ProtocolError("server.error", "the authorizer failed", retry: .later))
    }
  }

  private mutating func join(_ room: String, _ session: Session) {
    guard case .join(let request)? = session.busy?.inbound.kind else { return }
    let member = member(session, wantsPresence: request.wantsPresence)
    post(.join(room: room, member, request.wish, reply: operation(session)), to: home(of: room))
  }

  func member(_ session: Session, wantsPresence: Bool) -> Member {
    Member(
      sid: session.sid, user: session.principal.user, wantsPresence: wantsPresence, shard: configuration.index)
  }

  private func operation(_ session: Session) -> Operation {
    Operation(shard: configuration.index, session: session.slot, serial: session.busy?.serial ?? 0)
  }

  @inline(__always) private mutating func setHandlerDeadline(_ session: Session, _ milliseconds: UInt64) {
    let deadline = now.advanced(byMilliseconds: milliseconds)
    session.busy?.deadline = deadline
    session.handlerDeadline.set(deadline, TimerKey(purpose: .handler, slot: session.slot), in: &timers)
  }

  mutating func handlerIsLate(_ session: Session) {
    guard let busy = session.busy, busy.deadline <= now else { return }
    if case .join = busy.inbound.kind {
      let error = ProtocolError("room.forbidden", "the authorizer did not answer in time", retry: .later)
      return finish(session, error: error)
    }
    finish(session, error: ProtocolError("handler.timeout", "the handler did not finish in time", retry: .later))
  }

  // MARK: The end of one message

  mutating func finish(_ token: HandlerToken, _ outcome: HandlerOutcome) {
    // An answer that is late or comes twice finds the session at work on something else.
    #if PlantedFaults
    var token = token
    if Planted.isOn(.lateAnswerCounts), let busy = sessions[token.session]?.busy { token.serial = busy.serial }
    #endif
    sessions.lend(token.session)?._withUnsafeGuaranteedRef { finish(token, outcome, $0) }
  }

  @inline(__always) private mutating func finish(_ token: HandlerToken, _ outcome: HandlerOutcome, _ session: Session) {
    guard session.isBusy(with: token.serial), session.busy?.deadline ?? .never < .never else { return }
    session.busy?.deadline = .never
    session.handlerDeadline.cancel()
    finish(session, outcome)
  }

  /// The message's handler answered at once. Mostly with a reply, for which the session need not be at work on it first.
  @inline(__always) private mutating func finish(
    _ inbound: consuming Inbound, _ outcome: HandlerOutcome, _ session: Session
  ) {
    if case .reply(let payload) = outcome { return finish(consume inbound, session, reply: payload, room: nil) }
    session.busy = Busy(serial: nextSerial(), inbound: consume inbound)
    finish(session, outcome)
  }

  private mutating func finish(_ session: Session, _ outcome: HandlerOutcome) {
    switch outcome {
    case .done: finish(session)
    case .reply(let payload): finish(session, reply: payload, room: nil)
    case .failure(let error): finish(session, error: error)
    case .publish(let room, let event, let eventVersion, let payload):
      guard let (eventVersion, payload) = admit(event, eventVersion, payload, session) else { return }
      publish(room, RoomEvent(
        event: event, eventVersion: eventVersion, from: session.sid, key: nil, isTransient: false, payload: payload),
        session)
    case .direct(let target, let event, let eventVersion, let payload):
      // What `direct.send` sends is its own member `payload`.
      let prefix = session.busy?.inbound.name == "direct.send" ? "/payload" : ""
      guard let (eventVersion, payload) = admit(event, eventVersion, payload, session, pathPrefix: prefix) else { return }
      let message = Shard.directMessage(event, eventVersion, from: session.sid, payload)
      if target == .session(session.sid) {
        // It is here. Its registrar would hold the message until a claim is settled that waits for this very answer.
        give(message, to: session)
        return finish(session, .count(1))
      }
      route(target, message, reply: .operation(operation(session)))
    case .setState(let state):
      guard state.count <= limits.stateByteCount else {
        let error = ProtocolError("state.too_large", "state has at most \(limits.stateByteCount) bytes")
        return finish(session, error: error)
      }
      if let fault = Welcome.fault(ofState: state) { return finish(session, error: .invalidPayload(at: "", fault)) }
      session.state = state
      finish(session, reply: JSONValue.object([.init("bytes", .int(state.count))]).bytes, room: nil)
    }
  }

  /// What another shard was asked for is done.
  mutating func finish(_ reply: ReplyTo, _ done: Done) {
    switch reply {
    case .command(let token, _): out.append(.answer(token, CommandResult(done)))
    case .operation(let operation):
      guard let session = sessions[operation.session], session.isBusy(with: operation.serial) else { return }
      finish(session, done)
    }
  }

  private mutating func finish(_ session: Session, _ done: Done) {
    switch done {
    case .count(let count): finish(session, reply: Shard.countPayload(count), room: nil)
    case .notFound:
      finish(session, error: ProtocolError("direct.unknown", "there is no such session or user", retry: .later))
    case .published(let position, _):
      guard session.busy?.inbound.hasID == true else { return finish(session) }
      finish(session, reply: JSONValue.object([.init("pos", position?.json ?? .null)]).bytes, room: nil)
    }
  }

  private static func countPayload(_ count: Int) -> [UInt8] {
    JSONValue.object([.init("sessions", .int(count))]).bytes
  }

  static func leftPayload(_ room: String, memberCount: Int) -> [UInt8] {
    JSONValue.object([.init("room", .string(room)), .init("members", .int(memberCount))]).bytes
  }

  /// - Parameter older: what the reply announces, behind it in the same step.
  mutating func finish(
    _ session: Session, reply payload: [UInt8], room: String?, then older: [SharedMessage] = []
  ) {
    guard let inbound = session.busy.take()?.inbound else { return }
    finish(consume inbound, session, reply: payload, room: room, then: older)
  }

  private mutating func finish(
    _ inbound: consuming Inbound, _ session: Session, reply payload: [UInt8], room: String?, then older: [SharedMessage] = []
  ) {
    #if PlantedFaults
    if Planted.isOn(.replyIsForgotten), session.lastIn % 16 == 7 { return done(inbound, session) }
    #endif
    guard session.version > 1 || session.connection != nil else { return doneUnheard(inbound, session) }
    let message = spareMessages.take() ?? SharedMessage()
    message.fill(replyTo: inbound, room: room, payload: payload)
    put(consume message, into: session)
    for message in older { give(message, to: session) }
    done(consume inbound, session)
  }

  /// Version 1 replays nothing, so whoever comes back later gets no answer to what was said before.
  @inline(never) private mutating func doneUnheard(_ inbound: consuming Inbound, _ session: Session) {
    session.missedCount += 1
    done(inbound, session)
  }

  mutating func finish(_ session: Session, error: ProtocolError) {
    if session.version == 1, session.connection == nil {
      guard let inbound = session.busy.take()?.inbound else { return }
      return doneUnheard(inbound, session)
    }
    if let inbound = session.busy?.inbound, inbound.isTransient, !inbound.hasID, session.version > 1 {
      // Nobody counts on the message, so nobody counts on the answer.
      if let connection = session.connection.flatMap({ connections[$0] }) { complain(connection, error) }
      return finish(session)
    }
    let tail = MessageWriter.tail(.error, re: session.busy?.inbound.id, error.payload)
    put(SharedMessage(tail: tail, isReply: true), into: session)
    finish(session)
  }

  private mutating func finish(_ session: Session) {
    guard let inbound = session.busy.take()?.inbound else { return }
    done(inbound, session)
  }

  /// The message is processed, and the session at work on nothing.
  private mutating func done(_ inbound: consuming Inbound, _ session: Session) {
    if let seq = inbound.seq {
      session.lastIn = seq
      oweAck(session)
    }
    spareInbounds.keep(consume inbound) { $0.clear() }
    if session.outbox.hasUnsent || session.isAckDue { markDirty(session) }
    if session.heldClaim != nil { return grantIfAtRest(session) }
    // If nothing waits, whoever took the last that did has seen to the rest.
    if session.inboxCount > 0 { work(session) }
  }

  /// The client is to hear of it with the next message, or after a quarter of its window, or after a while.
  @inline(__always) private mutating func oweAck(_ session: Session) {
    guard session.connection != nil else { return }
    if session.lastIn - session.lastAckSent >= UInt64(max(1, limits.window.messageCount / 4)) {
      session.isAckDue = true
    } else if session.ackDelay.deadline == .never {
      session.ackDelay.set(
        now.advanced(byMilliseconds: limits.ackDelayMilliseconds),
        TimerKey(purpose: .delayedAck, slot: session.slot), in: &timers)
    }
  }
}

extension CommandResult {
  init(_ done: Done) {
    switch done {
    case .count(let count): self = .done(count)
    case .published(let position, let memberCount): self = .published(position, memberCount: memberCount)
    case .notFound: self = .notFound
    }
  }
}
