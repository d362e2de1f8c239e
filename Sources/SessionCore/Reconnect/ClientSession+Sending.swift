extension ClientSession {
  // MARK: Commands

  /// Sends a reliable event and returns its ticket, by which its outcome will be told. It waits if there is no
  /// connection or the server's window is full.
  ///
  /// - Parameter payload: JSON text.
  public mutating func send(
    event: String, eventVersion: UInt64 = 1, payload: [UInt8], room: String? = nil, id: String? = nil,
    key: String? = nil, now: Instant, actions: inout [ClientAction]
  ) throws(SendFault) -> UInt64 {
    let prepared = try PreparedEvent(
      event: event, eventVersion: eventVersion, payload: payload, room: room, id: id, key: key)
    return try send(prepared, now: now, actions: &actions)
  }

  /// The same for an event that was made ready before.
  public mutating func send(
    _ event: PreparedEvent, now: Instant, actions: inout [ClientAction]
  ) throws(SendFault) -> UInt64 {
    guard !event.isTransient else { throw .invalid("a transient event has no ticket") }
    return try enqueue(event.tail, now, &actions)
  }

  /// Sends an event that may be lost; it does not wait for a connection.
  public mutating func sendTransient(
    _ event: PreparedEvent, now: Instant, actions: inout [ClientAction]
  ) throws(SendFault) {
    guard isWelcomed else { throw .offline }
    guard event.isTransient else { throw .invalid("the event is not transient") }
    try checkSize(event.tail)
    transmit(event.tail, seq: nil, &actions)
  }

  /// Joins a room; with `presence`, its members' comings and goings are told. The reply answers `id`, which is made up
  /// if it is nil.
  public mutating func join(
    _ room: String, presence: Bool = false, older: OlderMessages? = nil, id: String? = nil, now: Instant,
    actions: inout [ClientAction]
  ) throws(SendFault) -> UInt64 {
    var members: [JSONValue.Member] = presence ? [.init("presence", true)] : []
    switch older {
    case .last(let count)?: members.append(.init("history", .int(count)))
    case .since(let position)?: members.append(.init("since", position.json))
    case nil: break
    }
    return try move(.join, room, id, JSONValue.object(members).bytes, now, &actions)
  }

  /// What a client wants to be told of what a room said before it came.
  public enum OlderMessages: Sendable, Equatable {
    /// The last so many.
    case last(UInt64)
    /// Everything after this position.
    case since(LogPosition)
  }

  public mutating func leave(
    _ room: String, id: String? = nil, now: Instant, actions: inout [ClientAction]
  ) throws(SendFault) -> UInt64 {
    try move(.leave, room, id, MessageWriter.emptyPayload, now, &actions)
  }

  private mutating func move(
    _ type: MessageType, _ room: String, _ id: String?, _ payload: [UInt8], _ now: Instant,
    _ actions: inout [ClientAction]
  ) throws(SendFault) -> UInt64 {
    try PreparedEvent.check(room: room, id: id, key: nil)
    let id = id ?? "j-\(outbox.nextTicket)"
    var tail = MessageWriter.Tail(type)
    tail.add("id", id)
    tail.add("room", room)
    let ticket = try enqueue(tail.end(payload: payload), now, &actions)
    pendingRooms.append(PendingRoom(ticket: ticket, id: Array(id.utf8), room: room, isJoin: type == .join))
    return ticket
  }

  /// Sends `text` as it stands. A message that has the next number is counted, kept and sent again like others; its
  /// ticket is returned. Anything else is the application's own affair.
  public mutating func sendRaw(_ text: [UInt8], actions: inout [ClientAction]) throws(SendFault) -> UInt64? {
    guard phase != .offline, phase != .failed else { throw .offline }
    guard (try? UTF8Span(validating: text.span)) != nil else { throw .invalid("the text is not UTF-8") }
    var ticket: UInt64?
    if isWelcomed, identity?.version == 2, let envelope = try? Envelope(parsing: text.span),
      [.event, .join, .leave].contains(envelope.type), !envelope.isTransient, envelope.version == 2,
      envelope.seq == outbox.lastSent + 1
    {
      guard outbox.queuedCount == 0 else { throw .invalid("earlier messages wait to be sent and need this seq") }
      ticket = outbox.appendSent(whole: text)
    }
    actions.append(.transmit(text))
    noteSent()
    return ticket
  }

  /// Acknowledges at once, alone. Nil: all that came. A number that never came goes out as it is: a fault for tests.
  public mutating func acknowledge(_ seq: UInt64?, actions: inout [ClientAction]) {
    guard isWelcomed, identity?.version == 2 else { return }
    let seq = seq ?? lastIn
    processed = max(processed, min(seq, lastIn))
    var bytes: [UInt8] = []
    MessageWriter.appendHead(version: 2, seq: nil, ack: seq, to: &bytes)
    actions.append(.transmit(bytes + MessageWriter.tail(.ack, payload: MessageWriter.emptyPayload)))
    counters.acksOut += 1
    noteAcked(min(seq, lastIn))
    noteSent()
  }

  /// With `autoAck` off: everything up to `seq` is processed and is acknowledged by the usual rules.
  public mutating func processed(upTo seq: UInt64, now: Instant) {
    let seq = min(seq, lastIn)
    guard seq > processed else { return }
    processed = seq
    awaitAck(now)
  }

  /// Ends the session. What was sent before is taken first; the server closes with 1000.
  public mutating func bye(reason: String? = nil, actions: inout [ClientAction]) {
    guard isWelcomed else { return }
    let payload: JSONValue = reason.map { ["reason": .string($0)] } ?? [:]
    transmit(MessageWriter.tail(.bye, payload), seq: nil, &actions)
    phase = .leaving
  }

  // MARK: The way out

  private func checkSize(_ tail: [UInt8]) throws(SendFault) {
    // The longest head: {"v":2,"seq":9007199254740991,"ack":9007199254740991,
    guard tail.count <= messageByteLimit - 53 else { throw .tooBig(limit: messageByteLimit) }
  }

  private mutating func enqueue(
    _ tail: [UInt8], _ now: Instant, _ actions: inout [ClientAction]
  ) throws(SendFault) -> UInt64 {
    guard phase != .leaving else { throw .ended }
    try checkSize(tail)
    guard let ticket = outbox.append(tail, limit: configuration.queue) else { throw .queueFull }
    pump(&actions)
    return ticket
  }

  /// Sends what waits as far as the server's window goes.
  mutating func pump(_ actions: inout [ClientAction]) {
    guard isWelcomed, let version = identity?.version else { return }
    guard version != 1 else { return pumpUnnumbered(&actions) }
    while let (entry, seq) = outbox.next(window) { transmit(entry.bytes, seq: seq, &actions) }
  }

  private mutating func pumpUnnumbered(_ actions: inout [ClientAction]) {
    while let (entry, ticket) = outbox.takeQueued() {
      transmit(entry.bytes, seq: nil, &actions)
      actions.append(.outcome(ticket...ticket, .sent))
    }
  }

  /// Sends again what was under way when the connection broke: the same numbers, the same content.
  mutating func resend(_ actions: inout [ClientAction]) -> Int {
    for (offset, entry) in outbox.sent.enumerated() {
      if entry.isWhole {
        actions.append(.transmit(entry.bytes))
        noteSent()
      } else {
        transmit(entry.bytes, seq: outbox.acked + 1 + UInt64(offset), &actions)
      }
    }
    counters.resent += UInt64(outbox.sentCount)
    return outbox.sentCount
  }

  /// Puts a head in front of `tail`; the acknowledgement rides along.
  mutating func transmit(_ tail: [UInt8], seq: UInt64?, _ actions: inout [ClientAction]) {
    guard let version = identity?.version else { return }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(tail.count + MessageHead.roomByteCount)
    MessageWriter.appendHead(version: version, seq: seq, ack: version == 1 ? nil : processed, to: &bytes)
    bytes.append(contentsOf: tail)
    actions.append(.transmit(bytes))
    noteAcked(processed)
    noteSent()
  }

  private mutating func noteSent() {
    counters.messagesOut += 1
    hasSentSinceHeard = true
  }

  // MARK: Acknowledgements

  private mutating func noteAcked(_ seq: UInt64) {
    ackSent = max(ackSent, seq)
    guard ackSent >= processed else { return }
    (bytesSinceAck, ackDeadline, mustAck) = (0, .never, false)
  }

  /// An acknowledgement is owed from now on.
  mutating func awaitAck(_ now: Instant) {
    if ackDeadline == .never { ackDeadline = now.advanced(byMilliseconds: ackDelayMilliseconds) }
  }

  /// To be called when a burst of messages was read and processed: acknowledges them if that cannot wait for a
  /// message to ride on.
  public mutating func flush(now: Instant, actions: inout [ClientAction]) {
    guard isWelcomed, identity?.version == 2 else { return }
    let asked = configuration.window ?? Window()
    let count = min(asked.messageCount, window.messageCount)
    let bytes = min(asked.byteCount, window.byteCount)
    guard mustAck || ackDeadline <= now || processed - min(ackSent, processed) >= UInt64(max(count / 4, 1))
      || bytesSinceAck >= max(bytes / 4, 1)
    else { return }
    guard mustAck || processed > ackSent else {
      // With acknowledgements withheld there is nothing to say.
      (ackDeadline, bytesSinceAck) = (.never, 0)
      return
    }
    counters.acksOut += 1
    transmit(MessageWriter.tail(.ack, payload: MessageWriter.emptyPayload), seq: nil, &actions)
  }
}
