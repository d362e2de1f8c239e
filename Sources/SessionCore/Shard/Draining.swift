/// What goes out, and the going down.
extension Shard {
  /// Writes what waits for the connection, whole messages up to about `byteBudget` bytes. True if more waits that could
  /// go at once: the driver drains again when its transport has taken this.
  public mutating func drain(
    _ slot: Slot, now: Instant, byteBudget: Int, into buffer: inout OutputBuffer
  ) -> Bool {
    guard let connection = connections.lend(slot) else { return false }
    self.now = max(self.now, now)
    let count = buffer.messages.count
    defer { counters.messagesOut += UInt64(buffer.messages.count - count) }
    return connection._withUnsafeGuaranteedRef { connection in
      connection.isDirty = false
      guard let session = connection.session.flatMap({ sessions.lend($0) }) else {
        drainControl(connection, ack: connection.lastAck, &buffer)
        return false
      }
      return session._withUnsafeGuaranteedRef { drain(connection, $0, byteBudget, &buffer) }
    }
  }

  /// Unsequenced messages go first.
  private func drainControl(_ connection: Connection, ack: UInt64?, _ buffer: inout OutputBuffer) {
    while let tail = connection.control.popFirst() {
      #if PlantedFaults
      let version = Planted.isOn(.welcomeBreaksVersion1) ? 2 : connection.version
      #else
      let version = connection.version
      #endif
      buffer.append(MessageHead(version: version, seq: nil, ack: ack), tail: tail)
    }
    buffer.plainCount = buffer.messages.count
  }

  private mutating func drain(
    _ connection: Connection, _ session: Session, _ byteBudget: Int, _ buffer: inout OutputBuffer
  ) -> Bool {
    let count = buffer.messages.count
    drainControl(connection, ack: session.version > 1 ? session.lastIn : nil, &buffer)
    let waits = session.version == 1
      ? drainSimple(session, byteBudget, &buffer) : drainReliable(session, byteBudget, &buffer)
    account(session)
    if session.version == 1, session.busy == nil, session.inboxCount > 0 {
      // What waited for answers to go out may be begun; this is no step, so the next one does it.
      session.ackDelay.set(now, TimerKey(purpose: .delayedAck, slot: session.slot), in: &timers)
    }
    if session.version > 1 { acknowledge(session, wrote: buffer.messages.count > count, &buffer) }
    if waits { connection.isDirty = true }
    return waits
  }

  private mutating func drainReliable(_ session: Session, _ byteBudget: Int, _ buffer: inout OutputBuffer) -> Bool {
    // What is acknowledged does not change meanwhile, and numbers follow each other.
    var numbered = MessageHead(numberedIn: session.version, ack: session.lastIn)
    while true {
      #if PlantedFaults
      if Planted.isOn(.seamIsNeverLive), session.liveAfter ?? 0 > 0, session.sentSeq < session.liveAfter ?? 0 { return false }
      #endif
      if let liveAfter = session.liveAfter, session.sentSeq >= liveAfter || !session.outbox.hasUnsent {
        session.liveAfter = nil
        buffer.append(head(session), tail: MessageWriter.tail(.live, payload: MessageWriter.emptyPayload))
      }
      guard buffer.bytes.count < byteBudget else { return session.outbox.hasUnsent }
      if let (message, seq) = session.outbox.lendNext(window: session.window) {
        message._withUnsafeGuaranteedRef { drain($0, seq, &numbered, session, &buffer) }
        continue
      }
      guard let item = session.outbox.next(window: session.window) else { return false }
      switch item {
      case .message(let message, let seq): drain(message, seq, &numbered, session, &buffer)
      case .transient(let message):
        var head = head(session)
        append(message, &head, session, &buffer)
      case .gap(let gap):
        session.sentSeq = gap.last
        buffer.append(head(session), tail: MessageWriter.tail(.gap, gap.payload))
      }
    }
  }

  private mutating func drain(
    _ message: SharedMessage, _ seq: UInt64, _ head: inout MessageHead, _ session: Session, _ buffer: inout OutputBuffer
  ) {
    session.sentSeq = seq
    #if PlantedFaults
    var ack = Planted.isOn(.ackMeansReceived) ? session.receivedIn : session.lastIn
    if Planted.isOn(.ackGoesBack) { ack -= min(ack, seq % 2) }
    head = MessageHead(version: session.version, seq: nil, ack: ack)
    #endif
    head.number(seq, isHistory: message.isHistory)
    append(message, &head, session, &buffer)
  }

  /// Of a message that is not counted.
  private func head(_ session: Session) -> MessageHead {
    MessageHead(version: session.version, seq: nil, ack: session.version > 1 ? session.lastIn : nil)
  }

  private mutating func append(
    _ message: SharedMessage, _ head: inout MessageHead, _ session: Session, _ buffer: inout OutputBuffer
  ) {
    if session.eventVersions.isEmpty {
      buffer.append(&head, message)
    } else {
      buffer.append(head, tail: tail(of: message, for: session))
    }
  }

  /// Version 1 has no numbers: what was sent is done with.
  private mutating func drainSimple(_ session: Session, _ byteBudget: Int, _ buffer: inout OutputBuffer) -> Bool {
    while buffer.bytes.count < byteBudget {
      guard let item = session.outbox.next(window: session.window) else { return false }
      switch item {
      case .message(let message, let seq):
        var head = MessageHead(version: session.version, seq: nil, ack: nil, isHistory: message.isHistory)
        append(message, &head, session, &buffer)
        _ = session.outbox.acknowledge(seq)
      case .transient(let message):
        var head = head(session)
        append(message, &head, session, &buffer)
      case .gap(let gap):
        session.missedCount += gap.count
        _ = session.outbox.acknowledge(gap.last)
      }
    }
    return session.outbox.hasUnsent
  }

  private func acknowledge(_ session: Session, wrote: Bool, _ buffer: inout OutputBuffer) {
    if session.isAckDue, !wrote {
      buffer.append(head(session), tail: MessageWriter.tail(.ack, payload: MessageWriter.emptyPayload))
    }
    guard wrote || session.isAckDue else { return }
    session.isAckDue = false
    session.lastAckSent = session.lastIn
  }

  // MARK: Going down

  /// From now on no `hello` is taken. Clients are told to come back elsewhere or later, each at another moment of the
  /// spread; until the deadline, or without end where there is none, they are served as before.
  public mutating func startDraining(
    spreadMilliseconds: UInt64, deadlineMilliseconds: UInt64?, now: Instant, effects: inout Effects
  ) {
    step(now, &effects) { shard in
      shard.isDraining = true
      #if PlantedFaults
      if Planted.isOn(.drainTellsNobody) { return }
      #endif
      let active = shard.connections.all.map(\.element).filter { $0.session != nil }
      for (index, connection) in active.enumerated() {
        let delay = spreadMilliseconds * UInt64(index) / UInt64(max(1, active.count))
        shard.advise(connection, reconnectAfterMilliseconds: delay, deadlineMilliseconds: deadlineMilliseconds)
      }
    }
  }

  /// `hello` is taken again.
  public mutating func stopDraining() { isDraining = false }

  /// Asks the client to come back on a new connection while this one goes on.
  mutating func advise(
    _ connection: Connection, reconnectAfterMilliseconds: UInt64, deadlineMilliseconds: UInt64?
  ) {
    guard !connection.control.isFull else { return }
    var members: [JSONValue.Member] = [.init("reconnect_after_ms", .int(reconnectAfterMilliseconds))]
    if let deadlineMilliseconds { members.append(.init("deadline_ms", .int(deadlineMilliseconds))) }
    connection.control.append(MessageWriter.tail(.draining, .object(members)))
    markDirty(connection)
  }

  /// Closes every connection. Sessions are suspended.
  public mutating func closeAll(_ code: CloseCode, reason: String, now: Instant, effects: inout Effects) {
    step(now, &effects) { shard in
      for (_, connection) in shard.connections.all { shard.close(connection, code, reason) }
    }
  }
}
