import DequeModule
import NIOCore
import SessionCore
import WebSocketFrames

/// One event loop's shard with all that it lacks: sockets, a clock, timers, hooks and the way to the other shards.
/// Never leaves its loop.
///
/// Work comes in ticks. Whatever the loop hands over (bytes of many connections, mail, a timer) makes connections
/// dirty; they are written to at the end of the tick, in turn, and of very many the rest in the next one: what comes
/// meanwhile goes with what waits. (SwiftNIO's loop takes such ticks one after the other, before it looks at anything.)
///
/// What each message touches is not checked for overlapping access at run time. Proof that none overlaps: a driver is on
/// its loop only; `shard` and `effects` are lent to the shard's own methods, which call nobody but a handler, and that
/// knows of no driver (or begins a task, which comes back by mail); `memory` is lent to one at a time, which `isWriting`
/// sees to; every other access reads or changes one variable and ends with that.
final class ShardDriver {
  let index: Int
  let loop: any EventLoop
  let services: Services
  private let mailbox: Mailbox<Mail>
  private var log: (any RoomLog)?
  @exclusivity(unchecked) private(set) var shard: Shard
  @exclusivity(unchecked) private(set) var now: Instant

  @exclusivity(unchecked) private var effects: Effects = []
  @exclusivity(unchecked) private var carried: Effects = []
  @exclusivity(unchecked) private var isCarrying = false
  private var mail: [Mail] = []
  private(set) var peers: [Peer] = []
  /// For the other shards, by index; sent at the end of the tick.
  private var outgoing: [[Mail]] = []

  @exclusivity(unchecked) private var connections = ConnectionTable()
  /// Connections of the shard by what carries them.
  private(set) var transportCounts: [Transport: Int] = [:]
  /// Event streams by the digests of their channels' names.
  var channels: [[UInt8]: EventStream] = [:]
  /// Connections of the raw echo, which the shard does not know.
  private var echoes: [ObjectIdentifier: ConnectionHandler] = [:]
  private var silences: DeadlineQueue<ConnectionHandler>
  /// Who has something to send; what has gone meanwhile is passed over.
  @exclusivity(unchecked) private var dirty: Deque<Slot> = []
  /// The same for what the shard does not know.
  @exclusivity(unchecked) private var unattached: Deque<TransportConnection> = []
  /// May take messages again, and may hold some.
  @exclusivity(unchecked) private var resumed: [TransportConnection] = []
  @exclusivity(unchecked) private var memory = WriteMemory()
  /// Somebody has `memory`.
  @exclusivity(unchecked) private var isWriting = false
  @exclusivity(unchecked) var echoMemory = RawEcho.Memory()
  private var commands: [CommandToken: CheckedContinuation<CommandResult, Never>] = [:]
  private var commandCount: UInt64 = 0
  @exclusivity(unchecked) private var budget = BudgetShare()

  /// Sockets are still closing, but nothing that they cause has an effect any more.
  @exclusivity(unchecked) private var isStopped = false
  @exclusivity(unchecked) private var isTickScheduled = false
  /// The clock was read for what the loop hands over now.
  @exclusivity(unchecked) private var isClockRead = false
  /// Made once, since each batch of what the loop hands over ends with it.
  private var tickTask: (@Sendable () -> Void)?
  @exclusivity(unchecked) private var isTicking = false
  private var timer: Scheduled<Void>?
  @exclusivity(unchecked) private var timerDeadline = Instant.never
  /// When timers were looked at last.
  @exclusivity(unchecked) private var advancedAt = Instant.zero
  private var handshakes: DeadlineQueue<ConnectionHandler>
  /// Sockets that took no more bytes.
  private var stalls: DeadlineQueue<TransportConnection>
  private var lingering = DeadlineQueue<ConnectionHandler>(milliseconds: ConnectionHandler.lingerMilliseconds)
  let compressor: OutputCompressor
  @exclusivity(unchecked) private var isReading = false
  /// Whether there are rates that connections have to keep to.
  private let isPacing: Bool
  /// Connections whose peers have begun a message and not finished it.
  private var unfinished: DeadlineQueue<ConnectionHandler>
  /// Close codes that transports sent by themselves.
  private(set) var transportCloses: [UInt16: UInt64] = [:]
  /// Requests that were turned down, by their status.
  private(set) var refusals: [Int: UInt64] = [:]

  /// The most that one connection is given in one tick, one message more or less.
  private static let byteBudget = 65_536
  /// The most connections that are written to in one tick: a room's message to ten thousand takes tens of milliseconds.
  private static let connectionBudget = 128

  init(
    index: Int, loop: any EventLoop, services: Services, mailbox: Mailbox<Mail>, shard: consuming Shard
  ) {
    self.index = index
    self.loop = loop
    self.services = services
    self.mailbox = mailbox
    self.shard = shard
    now = ShardDriver.clock()
    handshakes = DeadlineQueue(milliseconds: services.configuration.handshakeTimeoutMilliseconds)
    isPacing = services.configuration.traffic.messages != nil || services.configuration.traffic.bytes != nil
    // A message is looked at some times in its time, since each look is set when the one before is over.
    unfinished = DeadlineQueue(milliseconds: max(1, services.configuration.messageTimeoutMilliseconds / 4))
    let limits = services.configuration.limits
    stalls = DeadlineQueue(milliseconds: limits.pingIntervalMilliseconds + limits.pingTimeoutMilliseconds)
    silences = DeadlineQueue(milliseconds: limits.pingIntervalMilliseconds + limits.pingTimeoutMilliseconds)
    compressor = OutputCompressor(services.configuration.compression)
    let driver = NIOLoopBound(self, eventLoop: loop)
    tickTask = {
      (driver.value.isTickScheduled, driver.value.isClockRead) = (false, false)
      driver.value.tick()
    }
  }

  private static func clock() -> Instant { Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds) }

  /// The time now, also for what follows.
  func readClock() -> Instant {
    now = ShardDriver.clock()
    return now
  }

  /// Called once, before any connection is there.
  func connect(to peers: [Peer], _ broker: any Broker) {
    self.peers = peers
    let own = peers[index]
    log = broker.makeLog(shard: index) { token, position in own.post(.logged(token, position)) }
    outgoing = peers.map { _ in [] }
  }

  /// Lets go of what is kept to be used again. For when no connection is here; not within a tick.
  func dropSpares() {
    shard.dropSpares()
    compressor.dropSpares()
    mailbox.dropSpares()
    (memory, echoMemory) = (WriteMemory(), RawEcho.Memory())
    effects.dropSpareRoom()
    carried.dropSpareRoom()
    if dirty.isEmpty { dirty = [] }
    if unattached.isEmpty { unattached = [] }
    resumed.dropSpareRoom()
    mail.dropSpareRoom()
    for index in outgoing.indices { outgoing[index].dropSpareRoom() }
    connections.dropSpareRoom()
  }

  /// Lets go of everything; the loop is about to end.
  func stop() {
    isStopped = true
    timer?.cancel()
    for connection in connections.all { connection.driverStops() }
    connections = ConnectionTable()
    mailbox.close()
    mailbox.takeAll(into: &mail)
    for case .execute(_, let continuation) in mail { continuation.resume(returning: .stopped) }
    for (_, continuation) in commands { continuation.resume(returning: .stopped) }
    (mail, commands, effects, outgoing, peers, log, dirty, resumed, channels, tickTask) = ([], [:], [], [], [], nil, [], [], [:], nil)
    unattached = []
    handshakes.removeAll()
    lingering.removeAll()
    stalls.removeAll()
    silences.removeAll()
    unfinished.removeAll()
  }

  // MARK: Ticks

  func receiveMail() {
    guard !isStopped else { return }
    mailbox.takeAll(into: &mail)
    now = ShardDriver.clock()
    shareBudget()
    for item in mail { take(item) }
    mail.removeAll(keepingCapacity: mail.capacity <= 4_096)
    tick()
  }

  private func take(_ mail: Mail) {
    switch mail {
    case .shard(let message): shard.posted(message, now: now, effects: &effects)
    case .answered(let token, let answer): shard.answered(token, answer, now: now, effects: &effects)
    case .handled(let token, let outcome): shard.handled(token, outcome, now: now, effects: &effects)
    case .logged(let token, let position): shard.logged(token, position, now: now, effects: &effects)
    case .execute(let command, let continuation):
      commandCount += 1
      let token = CommandToken(commandCount)
      commands[token] = continuation
      shard.execute(command, token: token, now: now, effects: &effects)
    case .startDraining(let spread, let deadline):
      if deadline != nil { closeEchoes() }
      shard.startDraining(spreadMilliseconds: spread, deadlineMilliseconds: deadline, now: now, effects: &effects)
    case .stopDraining: shard.stopDraining()
    case .roomIsNeeded: break  // made by now: whoever reads its mail hears what the others hold
    case .batch(let batch, let channel): take(batch, forChannel: channel)
    case .closeAll(let code, let reason): shard.closeAll(code, reason: reason, now: now, effects: &effects)
    }
    carryOut()
  }

  /// Runs `tick` after the loop has handed over all that it has: other connections' bytes may make the same ones dirty.
  func scheduleTick() {
    guard !isTickScheduled, !isStopped, let tickTask else { return }
    isTickScheduled = true
    loop.execute(tickTask)
  }

  private func tick() {
    guard !isTicking, !isStopped else { return }
    isTicking = true
    while let connection = resumed.popLast() { resume(connection) }
    // No more than there are now: one that has more to write waits for the next tick.
    for _ in 0..<min(unattached.count, ShardDriver.connectionBudget) { unattached.popFirst().map(drain) }
    for _ in 0..<min(dirty.count, ShardDriver.connectionBudget) {
      approach()
      drain(dirty.removeFirst())
    }
    connections.bury()
    shareBudget()
    for index in outgoing.indices where !outgoing[index].isEmpty { peers[index].post(contentsOf: &outgoing[index]) }
    arm()
    isTicking = false
    // What is left has had its share for now.
    if !dirty.isEmpty || !unattached.isEmpty || !resumed.isEmpty { scheduleTick() }
  }

  private func shareBudget() {
    guard budget.settle(&shard, services) else { return }
    for other in outgoing.indices where other != index { outgoing[other].append(.roomIsNeeded) }
  }

  // MARK: Timers

  private func arm() {
    let first = min(shard.nextDeadline, handshakes.next, lingering.next, silences.next, stalls.next, unfinished.next)
    // What was left for the next step waits until the loop has read: a timer that is due already would not.
    let due = max(first, advancedAt.advanced(byMilliseconds: 1))
    guard due < timerDeadline else { return }
    timer?.cancel()
    timerDeadline = due
    let driver = NIOLoopBound(self, eventLoop: loop)
    timer = loop.scheduleTask(deadline: .uptimeNanoseconds(min(due.nanoseconds, UInt64(Int64.max)))) {
      driver.value.timerIsDue()
    }
  }

  private func timerIsDue() {
    timer = nil
    timerDeadline = .never
    now = ShardDriver.clock()
    advancedAt = now
    shard.advance(now: now, effects: &effects)
    carryOut()
    while let handler = handshakes.popDue(now) { handler.handshakeIsDue() }
    while let handler = lingering.popDue(now) { handler.lingerIsDue() }
    while let connection = stalls.popDue(now) {
      guard let slot = connection.slot, connection.hasStalled(at: now, forMilliseconds: stalls.milliseconds)
      else { continue }
      shard.tooSlow(slot, now: now, effects: &effects)
      carryOut()
    }
    while let handler = unfinished.popDue(now) { handler.messageIsDue() }
    while let handler = silences.popDue(now) { handler.silenceIsDue() }
    tick()
  }

  func expectHandshake(of handler: ConnectionHandler) {
    now = ShardDriver.clock()
    handshakes.append(handler, now: now)
    scheduleTick()
  }

  /// The transport takes no more bytes; it has as long as a peer that says nothing.
  func expectWritability(of connection: TransportConnection) {
    stalls.append(connection, now: now)
    scheduleTick()
  }

  func linger(_ handler: ConnectionHandler) {
    lingering.append(handler, now: now)
    scheduleTick()
  }

  // MARK: From connections

  /// The connection may send messages from now on.
  func open(_ connection: TransportConnection, _ transport: Transport, _ description: ConnectionDescription) {
    let slot = shard.open(description, now: now, effects: &effects)
    connections.insert(connection, slot)
    connection.slot = slot
    transportCounts[transport, default: 0] += 1
    carryOut()
  }

  func openEcho(_ handler: ConnectionHandler) {
    echoes[ObjectIdentifier(handler)] = handler
    watchSilence(of: handler)
  }

  func leftEcho(_ handler: ConnectionHandler) { echoes[ObjectIdentifier(handler)] = nil }

  func watchSilence(of handler: ConnectionHandler) {
    silences.append(handler, now: now)
    scheduleTick()
  }

  func watchMessage(of handler: ConnectionHandler) {
    unfinished.append(handler, now: now)
    scheduleTick()
  }

  private func closeEchoes() { for handler in Array(echoes.values) { handler.close(CloseCode.restart.rawValue, "the server stops") } }

  /// The connection's bytes are parsed where they lie; what its handler leaves it keeps itself.
  func read(_ bytes: UnsafeMutableRawBufferPointer, for handler: ConnectionHandler) {
    // Once for all that the loop hands over at a time: a tick follows it, and the next look comes after that.
    if !isClockRead {
      (now, isClockRead) = (ShardDriver.clock(), true)
      scheduleTick()
    }
    // A transport may hand over bytes of one connection when a write to it fails, while another is being read.
    guard !isReading, handler.isReadingDirectly else {
      handler.keep(UnsafeRawBufferPointer(bytes))
      if !handler.isPaused { resumed.append(handler) }
      return
    }
    isReading = true
    defer { isReading = false }
    let taken = handler.take(bytes)
    if taken < bytes.count { handler.keep(UnsafeRawBufferPointer(rebasing: bytes[taken...])) }
  }

  /// What a connection holds back is read in this tick or the next.
  func resumeLater(_ connection: TransportConnection) {
    resumed.append(connection)
    scheduleTick()
  }

  private func resume(_ connection: TransportConnection) {
    isReading = true
    connection.takeHeld()
    isReading = false
    connection.readOn()
  }

  func heard(_ slot: Slot) { shard.heard(slot, now: now) }

  /// - Parameter isUTF8: see `Shard.receive`.
  func receive(_ message: Span<UInt8>, isUTF8: Bool, _ connection: TransportConnection, _ slot: Slot) {
    guard !isStopped else { return }
    let intake = shard.receive(message, isUTF8: isUTF8, on: slot, now: now, effects: &effects) { services.serve($0) }
    if intake == .pause { connection.holds.insert(.session) }
    if isPacing { connection.charge(message.count, services.configuration.traffic) }
    carryOut()
  }

  func receiveBinary(_ slot: Slot) {
    _ = shard.receiveBinary(on: slot, now: now, effects: &effects)
    carryOut()
  }

  /// More came than can be held, on a transport that cannot make its peer wait.
  func exceedWindow(_ slot: Slot) {
    shard.windowExceeded(slot, now: now, effects: &effects)
    carryOut()
  }

  /// The shard has nothing more to do with the connection.
  func left(_ slot: Slot, _ transport: Transport, code: UInt16?, reason: String) {
    connections.remove(slot)
    transportCounts[transport, default: 0] -= 1
    now = ShardDriver.clock()
    shard.closed(slot, code: code, reason: reason, now: now, effects: &effects)
    carryOut()
    scheduleTick()
  }

  func markDirty(_ connection: TransportConnection) {
    if let slot = connection.slot { dirty.append(slot) } else { unattached.append(connection) }
    scheduleTick()
  }

  func countRefusal(_ status: Int) { refusals[status, default: 0] += 1 }
  func countClose(_ code: UInt16) { transportCloses[code, default: 0] += 1 }

  // MARK: Writing

  private func drain(_ connection: TransportConnection) {
    // It may have been opened meanwhile.
    if let slot = connection.slot { drain(slot) } else { connection.drainUnattached() }
  }

  private func drain(_ slot: Slot) {
    connections.lend(slot)?._withUnsafeGuaranteedRef { connection in
      guard connection.isWritable else { return connection.waitForWritability() }
      if write(connection, slot) { dirty.append(slot) }
    }
  }

  /// The first of those that have something to send is about to be written to: asks for the memory of those behind it.
  private func approach() {
    // All looks at the list before all calls, between which it would be counted.
    let (far, near, next) = (dirty.peek(Prefetch.far), dirty.peek(Prefetch.near), dirty.peek(1))
    if let far {
      shard.approachFar(far)
      connections.approachFar(far)
    }
    if let near {
      shard.approachNear(near)
      connections.approachNear(near)
    }
    if let next { shard.approachNext(next) }
  }

  /// What the shard still has for a connection that is about to be closed: bounded by what it kept unsent and the
  /// budget, so written even to a transport that takes no more.
  func drainLast(_ connection: TransportConnection, _ slot: Slot) { _ = write(connection, slot) }

  /// One write for all that the shard has for the connection, up to the budget; true if it has more. A write that fails
  /// may lead back here while it has the memory for it: then the other one has memory of its own.
  private func write(_ connection: TransportConnection, _ slot: Slot) -> Bool {
    guard !isWriting else {
      var memory = WriteMemory()
      return write(connection, slot, &memory)
    }
    isWriting = true
    defer { isWriting = false }
    return write(connection, slot, &memory)
  }

  private func write(_ connection: TransportConnection, _ slot: Slot, _ memory: inout WriteMemory) -> Bool {
    memory.output.keepsTails = connection.keepsTails
    let hasMore = shard.drain(slot, now: now, byteBudget: ShardDriver.byteBudget, into: &memory.output)
    memory.write(to: connection)
    return hasMore
  }

  // MARK: Effects

  /// Carries out what the shard asked for, and what it asks for meanwhile.
  @inline(__always) private func carryOut() {
    if !effects.isEmpty, !isCarrying { carryOutAll() }
  }

  private func carryOutAll() {
    guard !isStopped else { return effects.removeAll() }
    isCarrying = true
    while !effects.isEmpty {
      swap(&effects, &carried)
      for index in carried.indices { carryOut(carried[index]) }
      carried.removeAll(keepingCapacity: carried.capacity <= 4_096)
    }
    isCarrying = false
  }

  private func carryOut(_ effect: Effect) {
    switch effect {
    case .write(let slot):
      dirty.append(slot)
      scheduleTick()
    case .close(let slot, let code, let reason):
      if code == .tooSlow { services.limits.count(.unread) }
      connections[slot]?.close(code.rawValue, reason)
    case .resumeReading(let slot):
      guard let connection = connections[slot] else { return }
      connection.holds.remove(.session)
      resumeLater(connection)
    case .transportPing(let slot): connections[slot]?.sendPing()
    case .ask(let token, let question): ask(token, question)
    case .deliver(let token): handle(token)
    case .log(let token, let operation):
      guard let position = log?.perform(operation, token) else { return }
      shard.logged(token, position, now: now, effects: &effects)
    case .post(let message, let target):
      outgoing[target].append(.shard(message))
    case .observe(let event): services.observe(event)
    case .answer(let token, let result): commands.removeValue(forKey: token)?.resume(returning: result)
    }
  }

  /// Hands an event to its handler.
  private func handle(_ token: HandlerToken) {
    let outcome = shard.lendDelivery(token) { delivery in
      if let outcome = services.serve(delivery) { return outcome }
      services.begin(delivery, token, peers[index])
      return nil
    }
    if let outcome { shard.handled(token, outcome, now: now, effects: &effects) }
  }

  private func ask(_ token: HookToken, _ question: Question) {
    if let answer = services.answerAtOnce(question) {
      return shard.answered(token, answer, now: now, effects: &effects)
    }
    let (peer, services) = (peers[index], services)
    Task { peer.post(.answered(token, await services.answer(question))) }
  }
}

extension Deque {
  /// The element that has `count` others in front of it; nil if there is none. Nothing is changed, but what is asked to
  /// change is not copied, and a copy would be counted.
  @inline(__always) fileprivate mutating func peek(_ count: Int) -> Element? { count < self.count ? self[count] : nil }
}
