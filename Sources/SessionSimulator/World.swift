import DequeModule
import HeapModule
import SessionCore

/// A server of several shards, its hooks, its log and the wires to it, in virtual time: every delay comes from a seed.
/// What happens twice with one seed happens in the same way.
public final class World {
  /// Delays in microseconds, drawn evenly.
  public struct Delays: Sendable {
    public var link: ClosedRange<UInt64>
    public var wire: ClosedRange<UInt64>
    public var hook: ClosedRange<UInt64>
    public var handler: ClosedRange<UInt64>
    /// Until the server learns that a wire is broken.
    public var notice: ClosedRange<UInt64>

    public init(
      link: ClosedRange<UInt64> = 0...0, wire: ClosedRange<UInt64> = 0...0, hook: ClosedRange<UInt64> = 0...0,
      handler: ClosedRange<UInt64> = 0...0, notice: ClosedRange<UInt64> = 0...0
    ) {
      (self.link, self.wire, self.hook, self.handler, self.notice) = (link, wire, hook, handler, notice)
    }
  }

  /// The application: what the hooks and handlers say.
  public struct Application {
    public var dispatcher = Dispatcher()
    public var events = EventRules()
    public var handle: (Delivery) -> HandlerOutcome = { _ in .done }
    public var answer: (Question) -> Answer = World.anyone
    public var asksAuthorizer = false
    public var asksRestorer = false
    public var checksPermissions = false

    public init() {}
  }

  enum Happening {
    case posted(ShardMessage)
    case toServer(Wire, [UInt8])
    case toClient(Wire, WireEvent)
    case noticed(Wire, UInt16?)
    case answered(HookToken, Answer)
    case handled(HandlerToken, HandlerOutcome)
    case logged(LogToken, LogPosition)
    case timer(Instant)
    case own(Int)
  }

  private struct Entry: Comparable {
    var time: Instant
    var serial: UInt64
    var node: Int
    var happening: Happening

    static func < (left: Entry, right: Entry) -> Bool { (left.time, left.serial) < (right.time, right.serial) }
    static func == (left: Entry, right: Entry) -> Bool { left.serial == right.serial }
  }

  final class Node {
    var shard: Shard
    var timer = Instant.never
    init(_ shard: consuming Shard) { self.shard = shard }
  }

  public private(set) var now = Instant.zero
  public var random: ChaChaGenerator
  public let application: Application
  public var delays: Delays
  let nodes: [Node]
  public private(set) var wires: [Wire] = []
  /// Things that happened so far.
  public private(set) var stepCount: UInt64 = 0
  public var onWire: ((Wire, WireEvent) -> Void)?
  /// Called for what `schedule(_:)` asked for.
  public var onOwn: ((Int) -> Void)?
  public var onLifecycle: ((LifecycleEvent) -> Void)?
  public private(set) var results: [CommandToken: CommandResult] = [:]

  private var queue = Heap<Entry>()
  private var serial: UInt64 = 0
  private var lastOnLink: [Int: Instant] = [:]
  private var logs: [String: LogPosition] = [:]
  private var lastLogged: [String: Instant] = [:]
  private var buffer = OutputBuffer()

  public init(
    shardCount: Int, limits: Limits = Limits(), application: Application = Application(), delays: Delays = Delays(),
    seed: UInt64
  ) {
    var random = ChaChaGenerator(seed: seed)
    self.application = application
    self.delays = delays
    nodes = (0..<shardCount).map { index in
      let configuration = ShardConfiguration(
        index: index, count: shardCount, limits: limits, dispatcher: application.dispatcher, server: "simulation",
        asksAuthorizer: application.asksAuthorizer, asksRestorer: application.asksRestorer,
        checksPermissions: application.checksPermissions, events: application.events)
      return Node(Shard(configuration: configuration, random: ChaChaGenerator(seed: random.next())))
    }
    self.random = random
  }

  /// Anyone is let in, under the name given as credential.
  public static func anyone(_ question: Question) -> Answer {
    switch question {
    case .authenticate(_, let credential, _, _): .authenticated(Principal(user: credential?.reveal() ?? "anonymous"))
    case .authorizeJoin: .authorized
    case .restore: .nothing
    }
  }

  // MARK: Time

  /// Runs until nothing is due before `time`, then it is that time.
  public func run(until time: Instant) {
    while let entry = queue.min, entry.time <= time { next() }
    now = max(now, time)
  }

  public func run(forMilliseconds milliseconds: UInt64) { run(until: now.advanced(byMilliseconds: milliseconds)) }

  /// Runs what is due now.
  public func settle() { run(until: now) }

  private func next() {
    guard let entry = queue.popMin() else { return }
    now = max(now, entry.time)
    stepCount += 1
    happen(entry)
  }

  /// `onOwn` is called with `id` in so many microseconds.
  public func schedule(_ id: Int, afterMicroseconds delay: UInt64) {
    push(after: delay, node: 0, .own(id))
  }

  private func push(after microseconds: UInt64, node: Int, _ happening: Happening) {
    push(at: Instant(nanoseconds: now.nanoseconds + microseconds * 1_000), node: node, happening)
  }

  private func push(at time: Instant, node: Int, _ happening: Happening) {
    serial += 1
    queue.insert(Entry(time: time, serial: serial, node: node, happening: happening))
  }

  private func draw(_ range: ClosedRange<UInt64>) -> UInt64 {
    range.lowerBound + (range.count > 1 ? random.next() % UInt64(range.count) : 0)
  }

  // MARK: What happens

  private func happen(_ entry: Entry) {
    let node = nodes[entry.node]
    switch entry.happening {
    case .posted(let message): step(entry.node) { $0.posted(message, now: $1, effects: &$2) }
    case .toServer(let wire, let bytes): arrive(wire, bytes)
    case .toClient(let wire, let event): arriveAtClient(wire, event)
    case .noticed(let wire, let code): notice(wire, code)
    case .answered(let token, let answer): step(entry.node) { $0.answered(token, answer, now: $1, effects: &$2) }
    case .handled(let token, let outcome): step(entry.node) { $0.handled(token, outcome, now: $1, effects: &$2) }
    case .logged(let token, let position): step(entry.node) { $0.logged(token, position, now: $1, effects: &$2) }
    case .timer(let time):
      guard node.timer == time else { return }
      node.timer = .never
      step(entry.node) { $0.advance(now: $1, effects: &$2) }
    case .own(let id): onOwn?(id)
    }
  }

  /// One call of a shard, and all that it asks for.
  func step(_ index: Int, _ body: (inout Shard, Instant, inout Effects) -> Void) {
    var effects: Effects = []
    body(&nodes[index].shard, now, &effects)
    for effect in effects { carry(effect, index) }
    let deadline = nodes[index].shard.nextDeadline
    if deadline < nodes[index].timer {
      nodes[index].timer = deadline
      push(at: max(deadline, now), node: index, .timer(deadline))
    }
  }

  private func carry(_ effect: Effect, _ node: Int) {
    switch effect {
    case .write(let slot): if let wire = wire(node, slot) { drain(wire) }
    case .close(let slot, let code, _): if let wire = wire(node, slot) { close(wire, code) }
    case .resumeReading(let slot): if let wire = wire(node, slot) { resumeReading(wire) }
    case .transportPing(let slot):
      // The other end's transport answers by itself.
      if let wire = wire(node, slot), !wire.isBroken, !wire.isBlocked { nodes[node].shard.heard(slot, now: now) }
    case .ask(let token, let question):
      push(after: draw(delays.hook), node: node, .answered(token, application.answer(question)))
    case .deliver(let delivery):
      push(after: draw(delays.handler), node: node, .handled(delivery.token, application.handle(delivery)))
    case .log(let token, let operation): log(token, operation, node)
    case .post(let message, let target): post(message, from: node, to: target)
    case .observe(let event): onLifecycle?(event)
    case .answer(let token, let result): results[token] = result
    }
  }

  private func post(_ message: ShardMessage, from: Int, to: Int) {
    let link = from * nodes.count + to
    let due = Instant(nanoseconds: now.nanoseconds + draw(delays.link) * 1_000)
    let time = max(due, lastOnLink[link] ?? .zero)
    lastOnLink[link] = time
    push(at: time, node: to, .posted(message))
  }

  private func log(_ token: LogToken, _ operation: LogOperation, _ node: Int) {
    let room: String
    switch operation {
    case .close(let name):
      logs[name] = nil
      return
    case .open(let name):
      room = name
      logs[name] = logs[name] ?? LogPosition(log: random.next(), offset: 0)
    case .append(let name, _):
      room = name
      logs[name]?.offset += 1
    }
    guard let position = logs[room] else { return }
    let due = Instant(nanoseconds: now.nanoseconds + draw(delays.hook) * 1_000)
    let time = max(due, lastLogged[room] ?? .zero)
    lastLogged[room] = time
    push(at: time, node: node, .logged(token, position))
  }

  // MARK: Wires

  /// A client connects, to the shard named or to any.
  public func connect(
    node: Int? = nil, version: UInt64? = nil, transport: String = "simulated"
  ) -> Wire {
    let wire = Wire(id: wires.count, node: node ?? Int(random.next() % UInt64(nodes.count)))
    wires.append(wire)
    step(wire.node) { shard, now, effects in
      wire.slot = shard.open(
        ConnectionDescription(transport: transport, remote: "wire \(wire.id)", version: version), now: now,
        effects: &effects)
    }
    return wire
  }

  private func wire(_ node: Int, _ slot: Slot) -> Wire? {
    // The newest are the likeliest.
    wires.last { $0.node == node && $0.slot == slot && !$0.isClosedAtServer }
  }

  /// The client sends a message.
  public func send(_ bytes: [UInt8], on wire: Wire) {
    guard !wire.isBroken else { return }
    let due = Instant(nanoseconds: now.nanoseconds + draw(delays.wire) * 1_000)
    wire.lastToServer = max(due, wire.lastToServer)
    push(at: wire.lastToServer, node: wire.node, .toServer(wire, bytes))
  }

  public func send(_ text: String, on wire: Wire) { send(Array(text.utf8), on: wire) }

  /// The wire breaks: what is under way is lost, the client knows at once, the server in its time.
  public func drop(_ wire: Wire, noticeAfterMicroseconds delay: UInt64? = nil) {
    guard !wire.isBroken else { return }
    wire.isBroken = true
    wire.closeCode = wire.closeCode ?? 1006
    push(after: delay ?? draw(delays.notice), node: wire.node, .noticed(wire, nil))
  }

  /// Whether the client reads what is sent to it.
  public func setBlocked(_ isBlocked: Bool, on wire: Wire) {
    wire.isBlocked = isBlocked
    if !isBlocked { drain(wire) }
  }

  private func arrive(_ wire: Wire, _ bytes: [UInt8]) {
    guard !wire.isBroken, !wire.isClosedAtServer, let slot = wire.slot else { return }
    guard !wire.isPaused else { return wire.unread.append(bytes) }
    step(wire.node) { shard, now, effects in
      if shard.receive(bytes.span, on: slot, now: now, effects: &effects) == .pause { wire.isPaused = true }
    }
  }

  private func resumeReading(_ wire: Wire) {
    wire.isPaused = false
    let unread = wire.unread
    wire.unread = []
    // Behind nothing: what arrives later is scheduled later.
    for bytes in unread { push(after: 0, node: wire.node, .toServer(wire, bytes)) }
  }

  private func drain(_ wire: Wire) {
    guard let slot = wire.slot, !wire.isBlocked, !wire.isClosedAtServer else { return }
    // Emptied each time, as a transport does: a buffer that stays full takes nothing more.
    var hasMore = true
    while hasMore {
      buffer.removeAll()
      hasMore = nodes[wire.node].shard.drain(slot, now: now, byteBudget: 1 << 16, into: &buffer)
      for range in buffer.messages { toClient(wire, .message(Array(buffer.bytes[range]))) }
    }
  }

  private func close(_ wire: Wire, _ code: CloseCode) {
    drain(wire)
    toClient(wire, .closed(code.rawValue))
    push(after: draw(delays.notice), node: wire.node, .noticed(wire, code.rawValue))
  }

  private func toClient(_ wire: Wire, _ event: WireEvent) {
    guard !wire.isBroken else { return }
    let due = Instant(nanoseconds: now.nanoseconds + draw(delays.wire) * 1_000)
    wire.lastToClient = max(due, wire.lastToClient)
    push(at: wire.lastToClient, node: wire.node, .toClient(wire, event))
  }

  private func arriveAtClient(_ wire: Wire, _ event: WireEvent) {
    guard !wire.isBroken else { return }
    switch event {
    case .message(let bytes): if onWire == nil { wire.received.append(String(decoding: bytes, as: UTF8.self)) }
    case .closed(let code):
      wire.closeCode = code
      wire.isBroken = true
    }
    onWire?(wire, event)
  }

  private func notice(_ wire: Wire, _ code: UInt16?) {
    guard !wire.isClosedAtServer, let slot = wire.slot else { return }
    wire.isClosedAtServer = true
    wire.isBroken = true
    step(wire.node) { shard, now, effects in
      shard.closed(slot, code: code, reason: "simulated", now: now, effects: &effects)
    }
  }

  // MARK: Operators

  public func execute(_ command: Command, node: Int = 0) -> CommandToken {
    serial += 1
    let token = CommandToken(serial)
    step(node) { $0.execute(command, token: token, now: $1, effects: &$2) }
    return token
  }

  public func startDraining(spreadMilliseconds: UInt64, deadlineMilliseconds: UInt64?) {
    for node in nodes.indices {
      step(node) {
        $0.startDraining(
          spreadMilliseconds: spreadMilliseconds, deadlineMilliseconds: deadlineMilliseconds, now: $1, effects: &$2)
      }
    }
  }

  public func stopDraining() { for node in nodes.indices { step(node) { shard, _, _ in shard.stopDraining() } } }

  public var sessions: [SessionSnapshot] { nodes.flatMap { $0.shard.sessions(now: now) } }
  public var rooms: [RoomSnapshot] { nodes.flatMap { $0.shard.rooms() } }
  public func counters(_ node: Int) -> ShardCounters { nodes[node].shard.counters }
}
