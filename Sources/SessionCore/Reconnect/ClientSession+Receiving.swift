extension ClientSession {
  /// Takes in one text message. Returns what the application has not seen yet: an `event`, `reply`, `member` or
  /// `error`, whose fields are places in `message`. The driver carries out `actions`, hands the message over, goes on.
  /// - Parameter reader: may be shared by many sessions.
  public mutating func receive(
    _ message: Span<UInt8>, _ reader: inout EnvelopeReader, now: Instant, actions: inout [ClientAction]
  ) -> Envelope? {
    receive(message, now, &actions) { envelope throws(Envelope.Fault) in try reader.read(message, into: &envelope) }
  }

  /// The same for one that comes alone.
  public mutating func receive(_ message: Span<UInt8>, now: Instant, actions: inout [ClientAction]) -> Envelope? {
    receive(message, now, &actions) { envelope throws(Envelope.Fault) in envelope = try Envelope(parsing: message) }
  }

  /// - Parameter read: makes the message of an envelope that is as new.
  @inline(__always) private mutating func receive(
    _ message: Span<UInt8>, _ now: Instant, _ actions: inout [ClientAction],
    _ read: (inout Envelope) throws(Envelope.Fault) -> Void
  ) -> Envelope? {
    guard phase != .offline, phase != .failed else { return nil }
    var envelope = Envelope()
    do throws(Envelope.Fault) {
      try read(&envelope)
    } catch {
      fail(ServerFault(error), &actions)
      return nil
    }
    counters.messagesIn += 1
    guard phase != .greeting else { return greet(envelope, message, now, &actions) }
    guard envelope.version == identity?.version else {
      fail(.version(envelope.version), &actions)
      return nil
    }
    guard envelope.version != 1 else { return takeUnnumbered(envelope, message, now, &actions) }
    guard takeAck(envelope.ack, &actions) else { return nil }
    switch envelope.type {
    case .event, .reply, .member, .error:
      return take(envelope, message, now, &actions) ? envelope : nil
    case .ack: break
    case .ping: transmit(MessageWriter.tail(.pong, payload: MessageWriter.emptyPayload), seq: nil, &actions)
    case .live: goLive(&actions)
    case .gap: takeGap(payload(envelope, message), now, &actions)
    case .draining, .session: takeNotice(envelope, message, now, &actions)
    default: fail(.unexpected(envelope.type), &actions)
    }
    return nil
  }

  /// A binary message came; this protocol has none.
  public mutating func receivedBinary(actions: inout [ClientAction]) {
    if phase != .offline, phase != .failed { fail(.binary, &actions) }
  }

  mutating func fail(_ fault: ServerFault, _ actions: inout [ClientAction]) {
    phase = .failed
    self.fault = fault
    (ackDeadline, greetingDeadline) = (.never, .never)
    actions.append(.fault(fault))
    actions.append(.close(fault.closeCode, reason: fault.description))
  }

  func payload(_ envelope: Envelope, _ message: Span<UInt8>) -> JSONValue {
    guard let range = envelope.payload else { return .null }
    return (try? JSONValue(parsing: message.extracting(range))) ?? .null
  }

  /// Before `welcome`: the server says who we are, or why not.
  private mutating func greet(
    _ envelope: Envelope, _ message: Span<UInt8>, _ now: Instant, _ actions: inout [ClientAction]
  ) -> Envelope? {
    switch envelope.type {
    case .welcome: takeWelcome(envelope, payload(envelope, message), now, &actions)
    case .session: takeNotice(envelope, message, now, &actions)
    case .error:
      noteError(payload(envelope, message), &actions)
      return envelope
    default: fail(.unexpected(envelope.type), &actions)
    }
    return nil
  }

  private mutating func takeUnnumbered(
    _ envelope: Envelope, _ message: Span<UInt8>, _ now: Instant, _ actions: inout [ClientAction]
  ) -> Envelope? {
    switch envelope.type {
    case .event, .reply, .member, .error:
      note(envelope, message, &actions)
      return envelope
    case .draining, .session: takeNotice(envelope, message, now, &actions)
    default: fail(.unexpected(envelope.type), &actions)
    }
    return nil
  }

  private mutating func goLive(_ actions: inout [ClientAction]) {
    guard phase == .replaying else { return }
    phase = .live
    actions.append(.live)
  }

  // MARK: Numbers

  private mutating func takeAck(_ ack: UInt64?, _ actions: inout [ClientAction]) -> Bool {
    guard let ack, ack > outbox.acked else { return true }
    guard ack <= outbox.lastSent else {
      fail(.ackBeyondSent(ack), &actions)
      return false
    }
    settle(outbox.acknowledge(ack), .acked, &actions)
    if outbox.queuedCount > 0 { pump(&actions) }
    return true
  }

  /// Whether the message is new. Transient events and errors that answer nothing have no number.
  private mutating func take(
    _ envelope: Envelope, _ message: Span<UInt8>, _ now: Instant, _ actions: inout [ClientAction]
  ) -> Bool {
    guard let seq = envelope.seq else {
      guard envelope.isTransient || envelope.type == .error else {
        fail(.missingSequence(envelope.type), &actions)
        return false
      }
      note(envelope, message, &actions)
      return true
    }
    guard seq > lastIn else {
      repeated(seq)
      return false
    }
    guard seq == lastIn + 1 else {
      counters.holes += seq - lastIn - 1
      fail(.hole(expected: lastIn + 1, got: seq), &actions)
      return false
    }
    advance(to: seq, now)
    bytesSinceAck += message.count
    if phase == .replaying { counters.replayed += 1 }
    note(envelope, message, &actions)
    return true
  }

  /// A replay brings again what came and was not acknowledged; anything else that comes twice is the server's fault.
  private mutating func repeated(_ seq: UInt64) {
    if phase == .replaying, seq > helloAck { counters.repeats += 1 } else { counters.duplicates += 1 }
    if seq <= processed { mustAck = true }
  }

  private mutating func advance(to seq: UInt64, _ now: Instant) {
    lastIn = seq
    guard configuration.autoAck else { return }
    processed = seq
    awaitAck(now)
  }

  /// Numbers that will not come. What came already of them does not count.
  private mutating func takeGap(_ payload: JSONValue, _ now: Instant, _ actions: inout [ClientAction]) {
    guard let from = payload["from"]?.unsignedValue, let to = payload["to"]?.unsignedValue, 1...to ~= from else {
      return fail(.badGap, &actions)
    }
    guard to > lastIn else { return repeated(to) }
    guard from <= lastIn + 1 else {
      counters.holes += from - lastIn - 1
      return fail(.hole(expected: lastIn + 1, got: from), &actions)
    }
    let notice = GapNotice(
      from: lastIn + 1, to: to, rooms: payload["rooms"]?.arrayValue?.compactMap(\.stringValue) ?? [],
      roomsAreComplete: payload["rooms_complete"]?.boolValue ?? true,
      reason: payload["reason"]?.stringValue ?? "unknown")
    counters.gaps += notice.count
    advance(to: to, now)
    actions.append(.gap(notice))
  }

  // MARK: What else a message tells

  private mutating func note(_ envelope: Envelope, _ message: Span<UInt8>, _ actions: inout [ClientAction]) {
    if let room = envelope.room, let range = envelope.pos, let position = LogPosition(message, range) {
      rooms.note(room, position, message)
    }
    if let re = envelope.re {
      if !pendingRooms.isEmpty { settleRoom(re, envelope, message) }
    } else if envelope.type == .error {
      noteError(payload(envelope, message), &actions)
    }
  }

  private mutating func noteError(_ payload: JSONValue, _ actions: inout [ClientAction]) {
    lastError = ProtocolError(payload)
    if let wait = lastError?.retryAfterMilliseconds { actions.append(.retryAfter(wait)) }
  }

  /// The answer to a `join` or `leave` of ours.
  private mutating func settleRoom(_ re: JSONText, _ envelope: Envelope, _ message: Span<UInt8>) {
    let id = Array(re.decoded(message).utf8)
    guard let index = pendingRooms.firstIndex(where: { $0.id == id }) else { return }
    let pending = pendingRooms.remove(at: index)
    guard envelope.type == .reply else { return }
    let name = Array(pending.room.utf8)
    if pending.isJoin {
      // Messages of the room may have come before the reply; they know better.
      let joined = payload(envelope, message)
      rooms.set(name, rooms[name] ?? RoomPositions.start(joined["pos"], RoomContinuity(joined)))
    } else {
      rooms.remove(name)
    }
  }

  private mutating func takeNotice(
    _ envelope: Envelope, _ message: Span<UInt8>, _ now: Instant, _ actions: inout [ClientAction]
  ) {
    let payload = payload(envelope, message)
    if envelope.type == .draining {
      actions.append(
        .draining(
          DrainNotice(
            reconnectAfterMilliseconds: payload["reconnect_after_ms"]?.unsignedValue ?? 0,
            deadlineMilliseconds: payload["deadline_ms"]?.unsignedValue)))
    } else if let state = payload["state"]?.stringValue {
      actions.append(
        .session(
          SessionNotice(
            state: state, reason: payload["reason"]?.stringValue, inMilliseconds: payload["in_ms"]?.unsignedValue)))
    }
  }

  // MARK: Time

  /// When `advance` has something to do; it may turn out to be later.
  public var nextDeadline: Instant {
    switch phase {
    case .offline, .failed: .never
    case .greeting: greetingDeadline
    // Nothing is acknowledged behind a `bye`.
    case .leaving: silenceDeadline
    default: min(ackDeadline, silenceDeadline)
    }
  }

  private var silenceDeadline: Instant {
    guard let silenceMilliseconds else { return .never }
    if let probedAt { return probedAt.advanced(byMilliseconds: probeMilliseconds) }
    return heardAt.advanced(byMilliseconds: silenceMilliseconds)
  }

  public mutating func advance(now: Instant, actions: inout [ClientAction]) {
    switch phase {
    case .offline, .failed: break
    case .greeting: if greetingDeadline <= now { fail(.welcomeTimeout, &actions) }
    default:
      flush(now: now, actions: &actions)
      if silenceDeadline <= now { suspect(now, &actions) }
    }
  }

  /// The server asks for a sign of life only when it hears nothing. So its silence means death if we were silent too;
  /// else it is asked once.
  private mutating func suspect(_ now: Instant, _ actions: inout [ClientAction]) {
    guard hasSentSinceHeard, probedAt == nil else { return fail(.silent, &actions) }
    probedAt = now
    actions.append(.transportPing)
  }
}

extension ServerFault {
  init(_ fault: Envelope.Fault) {
    switch fault {
    case .malformed(let malformed): self = .malformed("\(malformed.reason) at byte \(malformed.offset)")
    case .version(let version): self = .version(version)
    case .extensionUnsupported(let name): self = .malformed("it needs the extension \"\(name)\"")
    }
  }
}
