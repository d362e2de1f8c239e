/// How many `hello`s a shard takes: its even share of what the node takes.
struct HelloGate {
  /// `hello`s whose credentials the authenticator is looking at.
  var pendingCount = 0
  private let pendingLimit: Int
  private let bound: RateBucket.Bound
  private var bucket = RateBucket()
  /// Those that were turned away form a queue in time: this is the turn of the last one.
  private var lastTurn = Instant.zero

  /// Nobody is sent away for longer, but for the jitter.
  private static let maxWaitMilliseconds: UInt64 = 30_000

  init(_ configuration: ShardConfiguration) {
    let limits = configuration.limits
    func share(_ whole: Int) -> Int { max(1, (whole + configuration.count - 1) / configuration.count) }
    pendingLimit = share(limits.helloPendingCount)
    bound = RateBucket.Bound(
      count: share(limits.helloBurstCount), ratePerSecond: share(limits.helloRatePerSecond))
  }

  /// Nil if one more may come, else the milliseconds after which it may try again: each later than the one before, as
  /// fast as they can be taken, so that a crowd comes back as a queue.
  mutating func take(now: Instant) -> UInt64? {
    if pendingCount < pendingLimit, bucket.take(bound, now: now) == nil { return nil }
    let turn = Instant(nanoseconds: max(lastTurn, now).nanoseconds + bound.step)
    let wait = turn.milliseconds(since: now)
    guard wait < HelloGate.maxWaitMilliseconds else { return HelloGate.maxWaitMilliseconds }
    lastTurn = turn
    return wait
  }
}

/// Who may come in, and for how long.
extension Shard {
  // MARK: Hellos

  /// The refusal of a `hello` that comes while too many come.
  mutating func admitHello() -> ProtocolError? {
    guard let wait = helloGate.take(now: now) else { return nil }
    counters.hellosRefused += 1
    // What stands behind it in the queue is not known, so chance spreads those that come back together.
    let spread = 250 + random.next() % (1_000 + wait / 2)
    return ProtocolError(
      "server.busy", "too many clients connect at once", retry: .later, retryAfterMilliseconds: wait + spread)
  }

  // MARK: Sessions of a user

  /// The session begins when the user's home lets it in.
  mutating func askHome(_ newcomer: Newcomer, of user: String, _ connection: Connection) {
    connection.newcomer = newcomer
    post(
      .admit(user: user, newcomer.sid, shard: configuration.index, connection: connection.slot), to: home(of: user))
  }

  /// The user's home: the only place that knows how many there are, so two that come at once cannot both be the last.
  mutating func admit(_ sid: SessionID, of user: String, _ shard: Int, _ connection: Slot) {
    let isIn = users[user]?.count ?? 0 < limits.sessionsPerUser ?? .max
    if isIn { note(sid, of: user, isThere: true) }
    post(.admitted(user: user, sid, connection: connection, isIn: isIn), to: shard)
  }

  mutating func admitted(_ sid: SessionID, of user: String, _ slot: Slot, _ isIn: Bool) {
    guard let connection = connections[slot], connection.phase.stage == .claiming,
      let newcomer = connection.newcomer, newcomer.sid == sid
    else {
      // The client did not wait: its place is free again.
      if isIn { post(.userSession(user: user, sid, isThere: false), to: home(of: user)) }
      return
    }
    connection.newcomer = nil
    guard isIn else { return refuseSession(connection, "the user has all the sessions that one may have") }
    begin(newcomer, connection)
  }

  mutating func refuseSession(_ connection: Connection, _ reason: String) {
    counters.sessionsRefused += 1
    let error = ProtocolError("session.limit", reason, retry: .later, retryAfterMilliseconds: 5_000)
    refuse(connection, error, .tryLater)
  }

  // MARK: Credentials

  /// From now on the session is this principal's.
  func adopt(_ principal: Principal, _ session: Session) {
    session.principal = principal
    if configuration.checksPermissions { session.grants = Grants(principal.permissions) }
  }

  mutating func mayAct(_ act: Grants.Act, _ name: String, _ session: Session) -> Bool {
    if isAllowed(act, name, session) { return true }
    counters.forbidden += 1
    return false
  }

  func isAllowed(_ act: Grants.Act, _ name: String, _ session: Session) -> Bool {
    !configuration.checksPermissions || session.grants.allows(act, name)
  }

  /// Notes until when the credential is good. False if that is over.
  func believe(_ principal: Principal, _ connection: Connection) -> Bool {
    let time = min(principal.validForMilliseconds ?? .max, limits.credentialMaxAgeMilliseconds ?? .max)
    guard time > 0 else { return false }
    let lead = min(limits.credentialNoticeMilliseconds, time / 2)
    connection.credentialEnd = now.advanced(byMilliseconds: time)
    connection.credentialNotice = now.advanced(byMilliseconds: time - lead)
    return true
  }

  /// The connection has its session: it is told in time that it will have to come back with a new credential.
  mutating func watchCredential(_ connection: Connection) {
    guard connection.credentialEnd < .never else { return }
    setCredentialAlarm(connection, at: max(connection.credentialNotice, now))
  }

  private mutating func setCredentialAlarm(_ connection: Connection, at deadline: Instant) {
    connection.credentialAlarm.set(deadline, TimerKey(purpose: .credential, slot: connection.slot), in: &timers)
  }

  mutating func credentialIsDue(_ connection: Connection) {
    guard connection.session != nil else { return }
    guard !connection.isExpiryTold else {
      counters.credentialsExpired += 1
      // What was said under it and has not begun is to be said again, under the next one.
      if let session = connection.session.flatMap({ sessions[$0] }) { dropInbox(session) }
      return close(connection, .credentialExpired, "the credential has expired")
    }
    connection.isExpiryTold = true
    sendState(connection, "expiring", inMilliseconds: connection.credentialEnd.milliseconds(since: now))
    markDirty(connection)
    setCredentialAlarm(connection, at: connection.credentialEnd)
  }
}
