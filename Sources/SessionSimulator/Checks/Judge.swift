import SessionCore

/// Looks on at the server's end of everything and says what does not hold: after each event at what the event touched,
/// now and then at all there is. The first violation counts.
final class Judge: WorldObserver {
  /// Proof for `unsafe`: the run owns both.
  unowned(unsafe) let world: World
  let rules: Rules
  private(set) var violation: Violation?
  private let seeks: Invariant?

  var sessions: [SessionID: SessionRecord] = [:]
  var wires: [WireRecord] = []
  var wireOfConnection: [ConnectionID: WireRecord] = [:]
  var lastOpened: ConnectionID?
  var rooms: [RoomLog]
  /// Users whose sessions somebody has said to end, or who came with an old token.
  var isDraining = false
  /// When some session last had more in its outbox than may be under way to it.
  var slowAt: Instant?
  var drainingSince = Instant.never
  private var untilAudit = 0
  /// The session that a client has now.
  var sidOfClient: (Int) -> SessionID? = { _ in nil }
  var sidOfMail: (UInt64) -> SessionID? = { _ in nil }
  var onViolation: () -> Void = {}
  var budgetDropped: [UInt64]
  /// Whether all outboxes together can be too large in a run.
  private let hasSmallBudget: Bool

  /// What differs from run to run.
  struct Rules {
    var limits: Limits
    var roomCount: Int
    /// What the clients ask to have under way.
    var clientWindow: Int
    /// Violations of other invariants do not count.
    var seeks: Invariant?
    /// The whole is looked at after so many events.
    var auditInterval = 96
  }

  init(_ world: World, _ rules: Rules) {
    (self.world, self.rules, seeks) = (world, rules, rules.seeks)
    rooms = (0..<rules.roomCount).map { _ in RoomLog() }
    budgetDropped = Array(repeating: 0, count: world.nodes.count)
    hasSmallBudget = rules.limits.outboxTotalByteCount < 1 << 20
    untilAudit = rules.auditInterval
  }

  var now: Instant { world.now }
  var limits: Limits { rules.limits }

  func accuse(_ invariant: Invariant, _ text: @autoclosure () -> String) {
    guard violation == nil, seeks == nil || seeks == invariant else { return }
    violation = Violation(
      invariant: invariant, text: text(), step: world.stepCount, microseconds: now.nanoseconds / 1_000)
    onViolation()
  }

  func require(_ holds: Bool, _ invariant: Invariant, _ text: @autoclosure () -> String) {
    if !holds { accuse(invariant, text()) }
  }

  // MARK: Wires

  func opened(_ wire: Wire) {
    let record = WireRecord(wire)
    wires.append(record)
    if let id = lastOpened { wireOfConnection[id] = record }
    require(lastOpened != nil, .lifecycle, "wire \(wire.id) opened without an event")
    lastOpened = nil
  }

  func arrives(_ wire: Wire, _ message: [UInt8]) {
    let record = wires[wire.id]
    guard !record.isWelcomed, record.hello == nil, let json = try? JSONValue(parsing: message), json["type"] == "hello"
    else { return }
    let hello = HelloRecord(json, at: now, wasDraining: isDraining)
    record.hello = hello
    if let sid = hello.sid.flatMap({ SessionID($0) }) { sessions[sid]?.claimedAt = now }
  }

  func arrived(_ wire: Wire, _ intake: Intake) {
    let record = wires[wire.id]
    if wire.isClosingAtServer {
      require(intake == .stop, .takeover, "wire \(wire.id) is closed with \(record.closeCode ?? 0), and is heard")
      return
    }
    guard record.isWelcomed, let session = record.session, session.attached === wire else { return }
    if record.isHostile { session.isConfirmationInDoubt = true } else { session.confirm() }
    probe(wire, session)
  }

  func wrote(_ wire: Wire, _ buffer: borrowing OutputBuffer) {
    let record = wires[wire.id]
    require(record.closeCode == nil, .takeover, "wire \(wire.id) was written to after its close")
    var last: Head?
    for index in buffer.messages.indices {
      guard let head = Head(buffer.bytes, buffer.messages[index]) else {
        accuse(.version, "wire \(wire.id): a message without v in front")
        continue
      }
      if index < buffer.plainCount { readControl(record, buffer.bytes, buffer.messages[index], head) }
      if let version = record.version {
        require(head.version == version, .version, "wire \(wire.id): v \(head.version) where \(version) was agreed")
      }
      last = head
    }
    guard let session = record.session, session.attached === wire else { return }
    if let ack = last?.ack {
      checkDelay(ack, wire, session)
      checkAck(ack, session)
    }
    probe(wire, session)
  }

  func closing(_ wire: Wire, _ code: UInt16) {
    let record = wires[wire.id]
    require(record.closeCode == nil, .lifecycle, "wire \(wire.id) was closed twice")
    record.closeCode = code
    if let session = record.session, session.attached === wire { session.attached = nil }
    guard !wire.isBlocked else { return }
    switch code {
    case 4504: require(record.isToldReplaced, .takeover, "wire \(wire.id): 4504 without a word before")
    case 4506, 4507:
      require(record.isToldRevoked || !record.isWelcomed, .noResurrection, "wire \(wire.id): \(code) without a word before")
    case 1012: require(isDraining, .shutdown, "wire \(wire.id): 1012 and nobody drains")
    default: break
    }
  }

  func gone(_ wire: Wire) {
    let record = wires[wire.id]
    if let session = record.session, session.attached === wire { session.attached = nil }
    require(record.closedCount == 1, .lifecycle, "wire \(wire.id) is gone, told \(record.closedCount) times")
  }

  // MARK: What goes out beside the numbers

  private func readControl(_ record: WireRecord, _ bytes: [UInt8], _ range: Range<Int>, _ head: Head) {
    if Head.isType(bytes, head.tail, "welcome") {
      welcomed(record, bytes, range)
    } else if Head.isType(bytes, head.tail, "draining") {
      record.isToldDraining = true
    } else if Head.isType(bytes, head.tail, "session") {
      let text = String(decoding: bytes[range], as: UTF8.self)
      if text.contains("\"replaced\"") { record.isToldReplaced = true }
      if text.contains("\"revoked\"") { record.isToldRevoked = true }
    } else if Head.isType(bytes, head.tail, "error"), record.hello != nil, !record.isWelcomed {
      let text = String(decoding: bytes[range], as: UTF8.self)
      // Its session is told as revoked where it is attached.
      if text.contains("session.token_reuse") { record.isToldRevoked = true }
    }
  }

  /// What is processed is acknowledged in its time, also when nothing else is to be sent.
  private func checkDelay(_ ack: UInt64, _ wire: Wire, _ session: SessionRecord) {
    guard ack > session.ackWritten, let since = session.unackedSince else { return }
    session.unackedSince = nil
    guard since > wire.unblockedAt else { return }
    let waited = now.milliseconds(since: since)
    require(
      waited <= limits.ackDelayMilliseconds + 1, .quiescence, "\(session.sid): ack \(ack) came after \(waited) ms")
  }

  private func checkAck(_ ack: UInt64, _ session: SessionRecord) {
    require(ack >= session.ackWritten, .ackBounds, "\(session.sid): ack \(ack) after \(session.ackWritten)")
    session.ackWritten = max(ack, session.ackWritten)
    guard let handling = session.handling, ack >= handling.seq, session.handledEpoch == 0 || session.version == 2 else {
      return
    }
    let due = handling.since.advanced(byMilliseconds: limits.handlerTimeoutMilliseconds)
    require(now >= due, .ackHonesty, "\(session.sid): ack \(ack), and \(handling.seq) is still with its handler")
  }

  // MARK: Handlers

  func delivered(_ delivery: Delivery, _ token: HandlerToken?, node: Int) {
    guard let session = sessions[delivery.session.sid], let seq = delivery.seq else { return }
    if session.handledEpoch != delivery.session.epoch {
      (session.handledEpoch, session.handledUpTo) = (delivery.session.epoch, 0)
    }
    require(
      seq > session.handledUpTo, .ackHonesty, "\(session.sid): \(seq) went to a handler again, after \(session.handledUpTo)")
    session.handledUpTo = seq
    session.handling = token.map { ($0, seq, now) }
  }

  func handled(_ token: HandlerToken, _ sid: SessionID) {
    guard let session = sessions[sid], session.handling?.token == token else { return }
    session.handling = nil
  }

  // MARK: All of it

  func settled() {
    if hasSmallBudget { checkWhoPaid() }
    untilAudit -= 1
    guard untilAudit <= 0 else { return }
    // The rooms' indices can be compared when nothing is on its way between shards; that moment is waited for.
    guard world.underwayCount == 0 || untilAudit < -rules.auditInterval else { return }
    untilAudit = rules.auditInterval
    audit()
  }
}
