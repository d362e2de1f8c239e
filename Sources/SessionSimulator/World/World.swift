import DequeModule
import SessionCore

/// A server of several shards, its hooks, its log and the wires to it, in virtual time: every delay comes from a seed.
/// What happens twice with one seed happens in the same way.
public final class World {
  enum Happening {
    case posted(ShardMessage, node: Int)
    case toServer(Wire, [[UInt8]])
    case toClient(Wire, bytes: [UInt8], messages: [Range<Int>])
    case closedAtClient(Wire, UInt16)
    case noticed(Wire, UInt16?)
    /// The transport's own ping or pong arrives at one end; a ping is answered by the transport.
    case pinged(Wire, atClient: Bool, isAnswered: Bool)
    case answered(HookToken, Answer, node: Int)
    case handled(HandlerToken, HandlerOutcome, SessionID, node: Int)
    case logged(LogToken, LogPosition, node: Int)
    case timer(node: Int)
    case unread(Wire, since: Instant)
    case own(Int)
  }

  final class Node {
    var shard: Shard
    var wakes = Wakes()
    /// The wire of each connection, by the place of its handle.
    var wires: [Wire?] = []
    init(_ shard: consuming Shard) { self.shard = shard }
  }

  public internal(set) var now = Instant.zero
  public var random: Dice
  public let application: Application
  public var delays: Delays
  let limits: Limits
  let nodes: [Node]
  public internal(set) var wires: [Wire] = []
  /// Things that happened so far.
  public internal(set) var stepCount: UInt64 = 0
  public var onWire: ((Wire, WireEvent) -> Void)?
  /// Called for what `schedule(_:)` asked for.
  public var onOwn: ((Int) -> Void)?
  public var onLifecycle: ((LifecycleEvent) -> Void)?
  public internal(set) var results: [CommandToken: CommandResult] = [:]

  var observer: (any WorldObserver)?
  var misbehaviour = Misbehaviour()
  /// Of events whose turn it is when they come, chance has one in so many handled in the same step; nil for none.
  public var servedAtOnceOneIn: UInt64?
  var handlerDice: Dice
  /// Which steps were taken, and what came of them.
  var trace = Trace()
  var counts = EventCounts()
  /// Messages between shards, and answers of the log, that are under way.
  var underwayCount = 0
  let seed: UInt64
  /// All outboxes together can be too large for several shards.
  private let sharesBudget: Bool
  /// Nothing happens any more.
  var isHalted = false
  var stepLimit: UInt64 = .max
  /// Told of everything, for people.
  var log: ((String) -> Void)?

  private var queue = EventQueue<Happening>()
  /// What happens next, before time goes on.
  private var soon: Deque<Happening> = []
  private var spareEffects: [Effects] = []
  var dirtyWires: [Wire] = []
  var serial: UInt64 = 0
  var lastOnLink: [Instant]
  var logs: [String: LogPosition] = [:]
  var lastLogged: [String: Instant] = [:]
  var buffer = OutputBuffer()

  public init(
    shardCount: Int, limits: Limits = Limits(), application: Application = Application(), delays: Delays = Delays(),
    seed: UInt64
  ) {
    var random = Dice(seed: seed)
    (self.application, self.delays, self.limits, self.seed) = (application, delays, limits, seed)
    sharesBudget = shardCount > 1 && limits.outboxTotalByteCount < 1 << 20
    nodes = (0..<shardCount).map { index in
      let configuration = ShardConfiguration(
        index: index, count: shardCount, limits: limits, dispatcher: application.dispatcher, server: "simulation",
        asksAuthorizer: application.asksAuthorizer, asksRestorer: application.asksRestorer,
        checksPermissions: application.checksPermissions, events: application.events)
      return Node(Shard(configuration: configuration, random: ChaChaGenerator(seed: random.next())))
    }
    lastOnLink = Array(repeating: .zero, count: shardCount * shardCount)
    self.random = random
    handlerDice = Dice(seed, .max - 1)
  }

  // MARK: Time

  /// Runs until nothing is due before `time`, then it is that time.
  public func run(until time: Instant) {
    finishMoment()
    while !isHalted, let due = queue.nextTime, due <= time.nanoseconds { next() }
    now = max(now, time)
  }

  public func run(forMilliseconds milliseconds: UInt64) { run(until: now.advanced(byMilliseconds: milliseconds)) }

  /// Runs what is due now.
  public func settle() { run(until: now) }

  private func next() {
    guard let (time, happening) = queue.popFirst() else { return }
    now = max(now, Instant(nanoseconds: time))
    happen(happening)
    finishMoment()
  }

  /// What happens at once is over before time goes on, and what is to be sent goes out together, as at the end of an
  /// event loop's tick.
  func finishMoment() {
    while true {
      while !isHalted, let happening = soon.popFirst() { happen(happening) }
      guard !isHalted, !dirtyWires.isEmpty else { break }
      flush()
    }
    if sharesBudget { shareBudget() }
    observer?.settled()
  }

  /// What drivers do at the end of each tick: a shard hears what the others hold, and makes room where that is for it to
  /// do. Twice, since what one gives up is news for those before it.
  private func shareBudget() {
    for _ in 0..<2 {
      for (index, node) in nodes.enumerated() {
        let all = nodes.reduce(0) { $0 + $1.shard.outboxByteCount }
        node.shard.outboxByteCountElsewhere = all - node.shard.outboxByteCount
        guard node.shard.isOverBudget else { continue }
        node.shard.makeRoom()
        setTimer(node, index)
      }
    }
  }

  /// `onOwn` is called with `id` in so many microseconds.
  public func schedule(_ id: Int, afterMicroseconds delay: UInt64) { push(.own(id), after: delay) }

  func push(_ happening: consuming Happening, after microseconds: UInt64) {
    push(consume happening, at: Instant(nanoseconds: now.nanoseconds + microseconds * 1_000))
  }

  func push(_ happening: consuming Happening, at time: Instant) {
    // What was put down for this moment before comes first.
    if time <= now, queue.nextTime ?? .max > now.nanoseconds { return soon.append(consume happening) }
    queue.insert(consume happening, at: max(time, now).nanoseconds)
  }

  // MARK: What happens

  private func happen(_ happening: consuming Happening) {
    stepCount += 1
    if stepCount >= stepLimit { isHalted = true }
    if let log { log(describe(copy happening)) }
    switch consume happening {
    case .posted(let message, let node):
      underwayCount -= 1
      counts.posts += 1
      trace.note(1, node)
      step(node) { $0.posted(message, now: $1, effects: &$2) }
    case .toServer(let wire, let messages): arrive(wire, messages)
    case .toClient(let wire, let bytes, let messages): arriveAtClient(wire, bytes, messages)
    case .closedAtClient(let wire, let code): closeAtClient(wire, code)
    case .noticed(let wire, let code): notice(wire, code)
    case .pinged(let wire, let atClient, let isAnswered): heardPing(wire, atClient: atClient, isAnswered: isAnswered)
    case .answered(let token, let answer, let node):
      counts.hooks += 1
      trace.note(2, node)
      step(node) { $0.answered(token, answer, now: $1, effects: &$2) }
    case .handled(let token, let outcome, let sid, let node):
      counts.hooks += 1
      trace.note(3, node)
      observer?.handled(token, sid)
      step(node) { $0.handled(token, outcome, now: $1, effects: &$2) }
    case .logged(let token, let position, let node):
      underwayCount -= 1
      counts.logs += 1
      trace.note(4, node)
      step(node) { $0.logged(token, position, now: $1, effects: &$2) }
    case .timer(let node): ring(nodes[node], node)
    case .unread(let wire, let since): lookAtUnread(wire, since)
    case .own(let id):
      trace.note(5, id)
      onOwn?(id)
    }
  }

  private func ring(_ node: Node, _ index: Int) {
    node.wakes.came(now)
    // What it was for was put off, and the next step puts down when.
    guard node.shard.nextDeadline <= now else { return setTimer(node, index) }
    counts.timers += 1
    trace.note(6, index)
    step(index) { $0.advance(now: $1, effects: &$2) }
  }

  /// One call of a shard, and all that it asks for.
  @inline(__always)
  func step<Result>(_ index: Int, _ body: (inout Shard, Instant, inout Effects) -> Result) -> Result {
    var effects = spareEffects.popLast() ?? []
    let node = nodes[index]
    let result = body(&node.shard, now, &effects)
    for effect in effects { carry(effect, index) }
    effects.removeAll(keepingCapacity: true)
    spareEffects.append(effects)
    setTimer(node, index)
    return result
  }

  @inline(__always)
  func setTimer(_ node: Node, _ index: Int) {
    let deadline = node.shard.nextDeadline
    guard node.wakes.isNew(deadline) else { return }
    let due = max(deadline, now)
    node.wakes.add(due)
    push(.timer(node: index), at: due)
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

  func closeAll(_ code: CloseCode) {
    for node in nodes.indices { step(node) { $0.closeAll(code, reason: "simulated", now: $1, effects: &$2) } }
  }

  public func stopDraining() { for node in nodes.indices { step(node) { shard, _, _ in shard.stopDraining() } } }

  public var sessions: [SessionSnapshot] { nodes.flatMap { $0.shard.sessions(now: now) } }
  public var rooms: [RoomSnapshot] { nodes.flatMap { $0.shard.rooms() } }
  public func counters(_ node: Int) -> ShardCounters { nodes[node].shard.counters }
}
