/// From `hello` to `welcome`: who is it, which session does it want, may it have it.
extension Shard {
  mutating func hello(_ connection: Connection, _ envelope: Envelope, _ bytes: Span<UInt8>) {
    guard connection.phase.stage == .awaitingHello else {
      return refuse(connection, ProtocolError("hello.expected", "welcome comes before the next message"), .malformed)
    }
    #if PlantedFaults
    let isDraining = self.isDraining && !Planted.isOn(.drainTakesSessions)
    #endif
    guard !isDraining else {
      let error = ProtocolError(
        "server.draining", "the server takes no sessions now", retry: .later, retryAfterMilliseconds: 1_000)
      return refuse(connection, error, .tryLater)
    }
    if let error = admitHello() { return refuse(connection, error, .tryLater) }
    let hello: Hello
    do throws(Hello.Fault) {
      hello = try Hello(envelope, bytes, maxByteCount: limits.helloByteCount)
    } catch {
      return refuse(connection, ProtocolError("hello.invalid", error.message), .malformed)
    }
    guard let version = Shard.agree(hello.versions, connection.description.version) else {
      var error = ProtocolError("version.unsupported", "none of the versions offered is spoken on this connection")
      error.supported = Envelope.versions
      return refuse(connection, error, .version)
    }
    guard version == 1 || hello.resume?.isNumbered != false else {
      return refuse(connection, ProtocolError("hello.invalid", "resume needs epoch and ack"), .malformed)
    }
    connection.version = version
    connection.hello = hello
    let token = HookToken(asker: .connection(connection.slot), serial: nextSerial())
    guard connection.phase.greet(token.serial) else { return }
    helloGate.pendingCount += 1
    setAlarm(connection, after: limits.hookTimeoutMilliseconds)
    out.append(.ask(token, Shard.whoIsIt(hello, connection.description)))
  }

  /// What `hello` shows goes before what the transport's handshake showed. Who shows nothing at all is offered under
  /// scheme `tls` where the transport knows whom the peer's certificate names.
  private static func whoIsIt(_ hello: Hello, _ description: ConnectionDescription) -> Question {
    var scheme = hello.scheme
    if hello.credential == nil {
      if description.credential != nil {
        scheme = "bearer"
      } else if hello.scheme == "none", description.verifiedSubject != nil {
        scheme = "tls"
      }
    }
    return .authenticate(
      scheme: scheme, credential: hello.credential ?? description.credential, remote: description.remote,
      verifiedSubject: description.verifiedSubject)
  }

  /// The payload as a tree. The envelope has checked that it is JSON, but not whether a key is there twice.
  static func payload(_ envelope: Envelope, _ bytes: Span<UInt8>) throws(Malformed) -> JSONValue {
    guard let range = envelope.payload else { return .object([]) }
    return try JSONValue(parsing: bytes.extracting(range))
  }

  /// The highest version that both speak, and that the transport did not rule out.
  private static func agree(_ offered: [UInt64], _ fixed: UInt64?) -> UInt64? {
    Envelope.versions.first { offered.contains($0) && (fixed == nil || fixed == $0) }
  }

  // MARK: Answers of hooks

  mutating func connectionAnswered(_ slot: Slot, _ serial: UInt64, _ answer: Answer) {
    guard let connection = connections[slot] else { return }
    switch connection.phase.answer(serial) {
    case .whoItIs:
      helloGate.pendingCount -= 1
      authenticated(connection, answer)
    case .whatIsKnown: restored(connection, answer)
    case nil: break
    }
  }

  private mutating func authenticated(_ connection: Connection, _ answer: Answer) {
    switch answer {
    case .authenticated(let principal) where 1...128 ~= principal.user.utf8.count:
      connection.principal = principal
      guard believe(principal, connection) else {
        counters.credentialsRefused += 1
        let error = ProtocolError("auth.failed", "the credential has expired", retry: .reauth)
        return refuse(connection, error, .unauthenticated)
      }
      claim(connection, principal)
    case .refused(let error):
      counters.credentialsRefused += 1
      refuse(connection, error, .unauthenticated)
    default:
      refuse(connection, ProtocolError("server.error", "the authenticator failed", retry: .later), .serverError)
    }
  }

  private mutating func claim(_ connection: Connection, _ principal: Principal) {
    guard let resume = connection.hello?.resume else { return create(connection) }
    guard let sid = resume.sid else { return claimRefused(connection, Refused(reason: .unknown)) }
    setAlarm(connection, after: limits.handlerTimeoutMilliseconds + limits.hookTimeoutMilliseconds)
    post(
      .claim(
        Claim(
          sid: sid, tokenDigest: resume.tokenDigest, epoch: resume.epoch, ack: resume.ack,
          firstUnacked: resume.firstUnacked, version: connection.version, user: principal.user,
          shard: configuration.index, connection: connection.slot, connectionOpenedAt: connection.openedAt)),
      to: registrar(of: sid))
  }

  // MARK: The session is not to be had

  mutating func claimRefused(_ claim: Claim, _ refused: Refused) {
    guard let connection = connections[claim.connection], connection.phase.stage == .claiming else { return }
    claimRefused(connection, refused)
  }

  private mutating func claimRefused(_ connection: Connection, _ refused: Refused) {
    counters.resumesRefused += 1
    observe(
      LifecycleEvent(
        .resumeRefused, sid: connection.hello?.resume?.sid, connection: connection.id,
        user: connection.principal?.user, reason: refused.reason.rawValue))
    switch refused.reason {
    case .ackFromTheFuture:
      return refuse(connection, ProtocolError("ack.invalid", "ack names a message that was never sent"), .badSequence)
    case .tokenReuse:
      let error = ProtocolError("session.token_reuse", "the token was replaced by a newer one; the session is revoked")
      return refuse(connection, error, .tokenReuse)
    case .superseded:
      sendState(connection, "replaced")
      return close(connection, .replaced, "a newer connection has the session")
    case .takeoverLimit:
      let error = ProtocolError("takeover.limit", "too many connections want this session")
      return refuse(connection, error, .takeoverLimit)
    default: break
    }
    connection.refusal = refused
    restore(connection)
  }

  // MARK: A new session

  mutating func create(_ connection: Connection, state: [UInt8]? = nil, rooms: [String] = []) {
    guard let principal = connection.principal else { return }
    guard sessions.count < limits.sessionCount else {
      return refuseSession(connection, "the server has all the sessions it can take")
    }
    let newcomer = Newcomer(sid: newSID(), state: state, rooms: rooms)
    guard limits.sessionsPerUser == nil else { return askHome(newcomer, of: principal.user, connection) }
    post(.userSession(user: principal.user, newcomer.sid, isThere: true), to: home(of: principal.user))
    begin(newcomer, connection)
  }

  /// The session begins; its user's home knows of it.
  mutating func begin(_ newcomer: Newcomer, _ connection: Connection) {
    guard let principal = connection.principal, let hello = connection.hello else { return }
    let (sid, secret) = (newcomer.sid, newToken())
    let (epoch, now, limits) = (random.next(), now, limits)
    let slot = sessions.insert { slot in
      Session(
        slot: slot, sid: sid, now: now, principal: principal, version: connection.version,
        epoch: epoch, tokens: ResumeTokens(secret.digest), ttlMilliseconds: limits.sessionTTLMilliseconds,
        window: limits.window, createdAt: now)
    }
    guard let session = sessions[slot] else { return }
    adopt(principal, session)
    session.state = newcomer.state
    slotBySID[sid] = slot
    registry[sid] = RegistryEntry(owner: configuration.index)
    counters.sessionsCreated += 1
    observe(LifecycleEvent(.sessionCreated, sid: sid, connection: connection.id, user: principal.user))
    guard newcomer.rooms.isEmpty else { return enter(newcomer.rooms, session, connection, token: secret.text) }
    attach(session, to: connection, hello, token: secret.text, resumed: nil)
  }

  mutating func newToken() -> (text: String, digest: [UInt8]) {
    let text = Base64URL.encode(random.bytes(32))
    return (text, SHA256.digest(Array(text.utf8)))
  }

  // MARK: Attach

  /// What a resumed session's `welcome` says more.
  struct Resumed {
    var skipped: ClosedRange<UInt64>?
  }

  mutating func attach(
    _ session: Session, to connection: Connection, _ hello: Hello, token: String, resumed: Resumed?
  ) {
    let isAttached = connection.phase.attach(session.slot) && session.phase.attach(connection.slot)
    precondition(isAttached, "the connection claims, and the session is suspended: both were looked at in this step")
    session.generation += 1
    session.connectionOpenedAt = connection.openedAt
    #if PlantedFaults
    if Planted.isOn(.generationStands), session.generation > 2 { session.generation -= 1 }
    #endif
    session.expiry.cancel()
    activeSessionCount += 1
    connection.hello = nil
    session.instance = hello.instance ?? session.instance
    session.eventVersions = configuration.events?.agreed(hello.events) ?? [:]
    session.window = Window(
      messageCount: min(hello.window?.messageCount ?? limits.window.messageCount, limits.outbox.messageCount),
      byteCount: min(hello.window?.byteCount ?? limits.window.byteCount, limits.outbox.byteCount))
    if let ttl = hello.ttlMilliseconds { session.ttlMilliseconds = min(ttl, limits.sessionTTLMilliseconds) }
    dropInbox(session)
    session.sentSeq = 0
    session.lastAckSent = session.lastIn
    session.liveAfter = session.outbox.replayRange?.upperBound ?? 0
    let holes = Holes(resumed == nil ? [] : session.outbox.gaps)
    for index in session.memberships.indices {
      let membership = session.memberships[index]
      if membership.index != nil {
        session.memberships[index].position = localRooms[membership.name]?.position ?? membership.position
      }
      if resumed != nil { session.memberships[index].continuity = continuity(session, session.memberships[index], hello, holes) }
    }
    let deprecations = configuration.events?.deprecations(version: session.version, events: hello.events) ?? []
    let welcome = Welcome(
      session, connection, token: token, resumed: resumed, deprecations: deprecations, constants: welcomeConstants)
    connection.control.append(MessageWriter.tail(.welcome, payload: welcome.payload))
    session.missedCount = 0
    for index in session.memberships.indices { session.memberships[index].continuity = nil }
    markDirty(connection)
    startHeartbeat(connection)
    watchCredential(connection)
  }
}
