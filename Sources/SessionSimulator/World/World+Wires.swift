import SessionCore

/// The ways between clients and shards.
extension World {
  /// A client connects, to the shard named or to any.
  public func connect(
    node: Int? = nil, version: UInt64? = nil, transport: String = "simulated"
  ) -> Wire {
    let wire = Wire(
      id: wires.count, node: node ?? Int(random.next() % UInt64(nodes.count)), dice: Dice(seed, UInt64(wires.count)))
    wires.append(wire)
    let slot = step(wire.node) { shard, now, effects in
      shard.open(
        ConnectionDescription(transport: transport, remote: "simulated", version: version), now: now,
        effects: &effects)
    }
    wire.slot = slot
    let place = Int(slot.index)
    while nodes[wire.node].wires.count <= place { nodes[wire.node].wires.append(nil) }
    nodes[wire.node].wires[place] = wire
    observer?.opened(wire)
    return wire
  }

  func wire(_ node: Int, _ slot: Slot) -> Wire? {
    guard Int(slot.index) < nodes[node].wires.count, let wire = nodes[node].wires[Int(slot.index)], wire.slot == slot
    else { return nil }
    return wire
  }

  // MARK: To the server

  /// The client sends messages that go together.
  func send(_ messages: [[UInt8]], on wire: Wire) {
    guard !wire.isBroken, !messages.isEmpty else { return }
    wire.lastToServer = arrival(wire, after: wire.lastToServer)
    push(.toServer(wire, messages), at: wire.lastToServer)
  }

  /// The client sends a message.
  public func send(_ bytes: [UInt8], on wire: Wire) { send([bytes], on: wire) }

  public func send(_ text: String, on wire: Wire) { send(Array(text.utf8), on: wire) }

  private func arrival(_ wire: Wire, after last: Instant) -> Instant {
    let due = Instant(nanoseconds: now.nanoseconds + wire.dice.draw(delays.wire) * 1_000)
    return max(due, last, wire.stuckUntil)
  }

  func arrive(_ wire: Wire, _ messages: [[UInt8]]) {
    trace.note(8, wire.id)
    guard !wire.isBroken, !wire.losesToServer, !wire.isClosedAtServer, let slot = wire.slot else { return }
    for message in messages {
      guard !wire.isPaused else {
        wire.unread.append(message)
        continue
      }
      take(message, wire, slot)
    }
  }

  private func take(_ message: [UInt8], _ wire: Wire, _ slot: Slot) {
    trace.note(message)
    counts.messagesIn += 1
    observer?.arrives(wire, message)
    let intake = step(wire.node) { shard, now, effects in
      shard.receive(message.span, on: slot, now: now, effects: &effects) { self.serve($0, wire.node) }
    }
    if intake == .pause { wire.isPaused = true }
    observer?.arrived(wire, intake)
  }

  func resumeReading(_ wire: Wire) {
    wire.isPaused = false
    guard !wire.unread.isEmpty else { return }
    let unread = Array(wire.unread)
    wire.unread = []
    // What has arrived goes before what arrives later.
    push(.toServer(wire, unread), after: 0)
  }

  // MARK: To the client

  /// Whether the client reads what is sent to it.
  public func setBlocked(_ isBlocked: Bool, on wire: Wire) {
    wire.isBlocked = isBlocked
    guard !isBlocked else { return }
    (wire.blockedSince, wire.unblockedAt) = (.never, now)
    if !wire.isClosingAtServer { drain(wire) }
  }

  func flush() {
    let wires = dirtyWires
    dirtyWires.removeAll(keepingCapacity: true)
    for wire in wires {
      wire.isDirty = false
      if !wire.isClosingAtServer { drain(wire) }
    }
  }

  func drain(_ wire: Wire) {
    guard let slot = wire.slot, !wire.isClosedAtServer else { return }
    guard !wire.isBlocked else { return watch(wire) }
    // Emptied each time, as a transport does: a buffer that stays full takes nothing more.
    var hasMore = true
    while hasMore {
      buffer.removeAll()
      hasMore = nodes[wire.node].shard.drain(slot, now: now, byteBudget: 1 << 16, into: &buffer)
      guard !buffer.messages.isEmpty else { continue }
      counts.messagesOut += UInt64(buffer.messages.count)
      trace.note(buffer.bytes)
      observer?.wrote(wire, buffer)
      toClient(wire)
    }
    setTimer(nodes[wire.node], wire.node)
  }

  private func toClient(_ wire: Wire) {
    guard !wire.isBroken, !wire.losesToClient else { return }
    wire.lastToClient = arrival(wire, after: wire.lastToClient)
    push(.toClient(wire, bytes: buffer.bytes, messages: buffer.messages), at: wire.lastToClient)
  }

  func arriveAtClient(_ wire: Wire, _ bytes: [UInt8], _ messages: [Range<Int>]) {
    trace.note(9, wire.id)
    guard !wire.isBroken, !wire.losesToClient else { return }
    counts.messagesHeard += UInt64(messages.count)
    if let client = wire.client { return client.heard(wire, bytes, messages) }
    // Nobody holds the other end any more, where it is not a test that reads.
    guard observer == nil else { return }
    for range in messages {
      if let onWire {
        onWire(wire, .message(Array(bytes[range])))
      } else {
        wire.received.append(String(decoding: bytes[range], as: UTF8.self))
      }
    }
  }

  /// Bytes wait for a client that does not read: its transport watches the time.
  private func watch(_ wire: Wire) {
    guard wire.blockedSince == .never else { return }
    wire.blockedSince = now
    let milliseconds = limits.pingIntervalMilliseconds + limits.pingTimeoutMilliseconds
    push(.unread(wire, since: now), at: now.advanced(byMilliseconds: milliseconds))
  }

  func lookAtUnread(_ wire: Wire, _ since: Instant) {
    guard wire.isBlocked, wire.blockedSince == since, !wire.isClosedAtServer, let slot = wire.slot else { return }
    step(wire.node) { $0.tooSlow(slot, now: $1, effects: &$2) }
  }

  // MARK: The transport's own pings

  func pingClient(_ wire: Wire) {
    push(.pinged(wire, atClient: true, isAnswered: true), after: 1 + wire.dice.draw(delays.wire))
  }

  func pingServer(_ wire: Wire) {
    push(.pinged(wire, atClient: false, isAnswered: true), after: 1 + wire.dice.draw(delays.wire))
  }

  func heardPing(_ wire: Wire, atClient: Bool, isAnswered: Bool) {
    guard !wire.isBroken, !wire.isClosedAtServer, let slot = wire.slot else { return }
    guard atClient ? !wire.losesToClient && !wire.isBlocked : !wire.losesToServer else { return }
    if atClient { wire.client?.heardTransport(wire) } else { nodes[wire.node].shard.heard(slot, now: now) }
    guard isAnswered else { return }
    push(.pinged(wire, atClient: !atClient, isAnswered: false), after: 1 + wire.dice.draw(delays.wire))
  }

  // MARK: Ends

  /// The wire breaks: what is under way is lost, the client knows at once, the server in its time.
  public func drop(_ wire: Wire, noticeAfterMicroseconds delay: UInt64? = nil) {
    guard !wire.isBroken else { return }
    wire.isBroken = true
    wire.closeCode = wire.closeCode ?? 1006
    push(.noticed(wire, nil), after: delay ?? wire.dice.draw(delays.notice))
  }

  /// Nothing goes through any more and nobody is told.
  func silence(_ wire: Wire) { wire.isBroken = true }

  /// The client closes: what it sent before arrives, then the server knows.
  func hangUp(_ wire: Wire, _ code: UInt16) {
    guard !wire.isBroken else { return }
    wire.closeCode = wire.closeCode ?? code
    wire.client = nil
    guard !wire.losesToServer else { return }
    wire.lastToServer = arrival(wire, after: wire.lastToServer)
    push(.noticed(wire, code), at: wire.lastToServer)
  }

  func close(_ wire: Wire, _ code: CloseCode) {
    wire.isClosingAtServer = true
    drain(wire)
    observer?.closing(wire, code.rawValue)
    if !wire.isBroken, !wire.losesToClient {
      wire.lastToClient = arrival(wire, after: wire.lastToClient)
      push(.closedAtClient(wire, code.rawValue), at: wire.lastToClient)
    }
    push(.noticed(wire, code.rawValue), after: wire.dice.draw(delays.notice))
  }

  func closeAtClient(_ wire: Wire, _ code: UInt16) {
    trace.note(10, wire.id)
    guard !wire.isBroken else { return }
    wire.closeCode = code
    wire.isBroken = true
    if let client = wire.client { return client.closed(wire, code) }
    onWire?(wire, .closed(code))
  }

  func notice(_ wire: Wire, _ code: UInt16?) {
    guard !wire.isClosedAtServer, let slot = wire.slot else { return }
    trace.note(11, wire.id)
    (wire.isClosedAtServer, wire.isBroken) = (true, wire.isBroken || !wire.isClosingAtServer)
    step(wire.node) { shard, now, effects in
      shard.closed(slot, code: code, reason: "simulated", now: now, effects: &effects)
    }
    nodes[wire.node].wires[Int(slot.index)] = nil
    observer?.gone(wire)
  }
}
