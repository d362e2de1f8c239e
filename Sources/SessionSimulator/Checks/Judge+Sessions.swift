import SessionCore

/// The life of sessions: who has them, who may have them, when they end.
extension Judge {
  func happened(_ event: LifecycleEvent, node: Int) {
    switch event.kind {
    case .connectionOpened: lastOpened = event.connection
    case .connectionClosed: closed(event)
    case .sessionCreated: created(event)
    case .sessionResumed: resumed(event)
    case .sessionSuspended: suspended(event, node)
    case .sessionEnded: ended(event)
    default: break
    }
  }

  private func closed(_ event: LifecycleEvent) {
    guard let id = event.connection, let record = wireOfConnection[id] else {
      return accuse(.lifecycle, "a connection closed that was not there")
    }
    record.closedCount += 1
    require(record.closedCount == 1, .lifecycle, "wire \(record.wire.id) closed \(record.closedCount) times")
  }

  private func created(_ event: LifecycleEvent) {
    guard let sid = event.sid, let record = event.connection.flatMap({ wireOfConnection[$0] }) else { return }
    require(sessions[sid] == nil, .noResurrection, "\(sid) was created twice")
    checkMayBegin(record)
    let session = SessionRecord(sid: sid, user: event.user ?? "")
    session.attached = record.wire
    sessions[sid] = session
    record.session = session
  }

  private func resumed(_ event: LifecycleEvent) {
    guard let sid = event.sid, let record = event.connection.flatMap({ wireOfConnection[$0] }) else { return }
    guard let session = sessions[sid] else { return accuse(.noResurrection, "\(sid) was resumed and never began") }
    require(!session.isEnded, .noResurrection, "\(sid) was resumed after its end")
    if let old = session.attached, old !== record.wire {
      accuse(.takeover, "\(sid): wire \(record.wire.id) has it, and wire \(old.id) still does")
    }
    checkMayBegin(record)
    let owners = world.nodes.indices.filter { world.nodes[$0].shard.probe(session: sid) != nil }
    require(owners.count <= 1, .oneOwner, "\(sid) was resumed, and is on shards \(owners)")
    if let hello = record.hello { checkClaim(hello, session) }
    session.attached = record.wire
    session.attachCount += 1
    session.suspendedAt = nil
    record.session = session
  }

  private func checkMayBegin(_ record: WireRecord) {
    guard let hello = record.hello else {
      return accuse(.lifecycle, "wire \(record.wire.id) has a session and said no hello")
    }
    require(!hello.wasDraining, .shutdown, "wire \(record.wire.id) got a session from a server that drains")
  }

  /// Only the current token, or the one before it until the client was heard, and only for its own user.
  private func checkClaim(_ hello: HelloRecord, _ session: SessionRecord) {
    let token = hello.token ?? ""
    let isGood = token == session.token || token == session.previousToken
      || (session.isConfirmationInDoubt && token == session.retiredTokens.last)
    require(isGood, .tokens, "\(session.sid) was resumed with a token that is not its own")
    require(hello.user == session.user, .tokens, "\(session.sid) of \(session.user) was resumed by \(hello.user)")
  }

  private func suspended(_ event: LifecycleEvent, _ node: Int) {
    guard let session = event.sid.flatMap({ sessions[$0] }) else { return }
    require(!session.isEnded, .noResurrection, "\(session.sid) was suspended after its end")
    session.suspendedAt = now
    if let probe = world.nodes[node].shard.probe(session: session.sid) {
      session.ttlMilliseconds = probe.ttlMilliseconds
    }
  }

  private func ended(_ event: LifecycleEvent) {
    guard let session = event.sid.flatMap({ sessions[$0] }) else {
      return accuse(.expiry, "a session ended that never began")
    }
    require(!session.isEnded, .expiry, "\(session.sid) ended twice")
    session.isEnded = true
    session.attached = nil
    session.handling = nil
    guard event.reason == "expired" else { return }
    guard let since = session.suspendedAt else { return accuse(.expiry, "\(session.sid) expired and was attached") }
    let due = since.advanced(byMilliseconds: session.ttlMilliseconds)
    // A claim that came to nothing gives it its time anew: one whose hello came since, or by which it was suspended.
    let slack = limits.handlerTimeoutMilliseconds + limits.hookTimeoutMilliseconds
    let wasClaimed = session.claimedAt.advanced(byMilliseconds: slack) >= since
    require(
      now == due || (wasClaimed && now > due), .expiry,
      "\(session.sid) expired \(now.milliseconds(since: since)) ms after its drop, not \(session.ttlMilliseconds)")
  }

  // MARK: welcome

  func welcomed(_ record: WireRecord, _ bytes: [UInt8], _ range: Range<Int>) {
    func text(_ key: StaticString) -> String? { Welcomes.text(bytes, range, key) }
    require(!record.isWelcomed, .version, "wire \(record.wire.id) was welcomed twice")
    record.isWelcomed = true
    record.version = Welcomes.number(bytes, range, "version")
    guard let session = record.session, text("sid").flatMap({ SessionID($0) }) == session.sid else {
      return accuse(.oneOwner, "wire \(record.wire.id) was welcomed to a session that is not its own")
    }
    let isResumed = Welcomes.isTrue(bytes, range, "resumed")
    let generation = Welcomes.number(bytes, range, "gen") ?? 0
    let epoch = text("epoch") ?? ""
    require(
      generation == session.attachCount, .fencing,
      "\(session.sid): generation \(generation) at its attach number \(session.attachCount)")
    session.version = record.version ?? 2
    if session.version == 1 { session.hasSpokenVersion1 = true }
    if epoch != session.epoch {
      session.beginEpoch()
      session.epoch = epoch
    }
    if isResumed { session.ackWritten = max(session.ackWritten, Welcomes.number(bytes, range, "last_in") ?? 0) }
    session.unackedSince = nil
    session.rotate(presented: isResumed ? record.hello?.token : nil, next: text("token") ?? "")
    if !isResumed { checkRefusal(record, text("reason")) }
  }

  /// Who could name everything rightly gets the session as long as it lives.
  private func checkRefusal(_ record: WireRecord, _ reason: String?) {
    guard let hello = record.hello, let sid = hello.sid.flatMap({ SessionID($0) }), let session = sessions[sid],
      !session.isEnded, hello.user == session.user, hello.token == session.token
    else { return }
    switch reason {
    case "epoch", "replaced": break
    default: accuse(.expiry, "\(sid) is alive and was refused to its owner: \(reason ?? "no reason")")
    }
  }
}
