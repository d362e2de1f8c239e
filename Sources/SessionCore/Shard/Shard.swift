import DequeModule

/// One event loop's whole world: its connections, the sessions attached or suspended here, the rooms whose home it is,
/// and the sessions whose registrar it is. It is told what happens and when, and says what is to be done; it has no
/// clock, no chance of its own and no way to the outside. PROTOCOL.md is what it implements.
public struct Shard: ~Copyable {
  let configuration: ShardConfiguration
  /// Asked with each event: a look at the rules themselves would copy them.
  let hasEventRules: Bool
  /// What each `welcome` says alike.
  let welcomeConstants: [UInt8]
  var random: ChaChaGenerator
  var now = Instant.zero
  /// Effects of the step under way.
  var out: Effects = []
  /// What this shard said to itself in the step under way.
  var localMail: Deque<ShardMessage> = []
  var timers = TimerTable()

  var connections = SlotArray<Connection>()
  var sessions = SlotArray<Session>()
  var slotBySID: [SessionID: Slot] = [:]
  var localRooms = NameMap<LocalRoom>()

  // As a registrar and as a home.
  var registry: [SessionID: RegistryEntry] = [:]
  var tombstones: Tombstones
  var users = NameMap<Set<SessionID>>()
  var homes = NameMap<Slot>()
  var homeSlots = SlotArray<RoomHome>()
  /// Of all histories here.
  var historyBytes = 0

  /// Questions to the restorer whose answers are waited for, and connections that wait to ask theirs.
  var restoresOpen = 0
  var restoreQueue: Deque<Slot> = []

  /// Events in older versions, for clients that asked for those.
  var castCache = TailCache<CastKey>()

  var reader = EnvelopeReader()
  var dispatchCache = DispatchCache()
  var spareInbounds = Spares<Inbound>(limit: 256)
  var spareMessages = Spares<SharedMessage>(limit: 1_024)

  public internal(set) var counters = ShardCounters()
  public internal(set) var activeSessionCount = 0
  /// Bytes in the outboxes of the sessions that are here.
  public internal(set) var outboxByteCount = 0
  /// Of all inboxes whose sessions have no connection: `Limits.awayInboxByteCount`.
  var awayInboxByteCount = 0
  /// Those on the other shards of the node, as the driver heard last.
  public var outboxByteCountElsewhere = 0
  var ranks = OutboxRanks()
  var helloGate: HelloGate
  public internal(set) var isDraining = false
  /// For tokens of questions and operations; never used twice.
  private var serial: UInt64 = 0

  public init(configuration: ShardConfiguration, random: ChaChaGenerator) {
    self.configuration = configuration
    hasEventRules = configuration.events != nil
    welcomeConstants = Welcome.constants(configuration.limits, server: configuration.server)
    self.random = random
    helloGate = HelloGate(configuration)
    tombstones = Tombstones(
      limit: configuration.limits.tombstoneCount, ttlMilliseconds: configuration.limits.tombstoneTTLMilliseconds)
  }

  var limits: Limits { configuration.limits }

  /// Lets go of what it keeps to be used again: a few small objects can keep whole pages of what is otherwise free.
  public mutating func dropSpares() {
    spareInbounds.removeAll()
    spareMessages.removeAll()
    castCache.removeAll()
    reader.removeAll()
    timers.dropSpareRoom()
    localMail = []
    registry.dropSpareRoom()
    slotBySID.dropSpareRoom()
    users.dropSpareRoom()
    homes.dropSpareRoom()
    localRooms.dropSpareRoom()
    if sessions.count == 0 { ranks = OutboxRanks() }
  }

  public var connectionCount: Int { connections.count }
  public var suspendedSessionCount: Int { sessions.count - activeSessionCount }
  public var roomCount: Int { homeSlots.count }
  /// Deadlines that were set and have not come; those of what has gone meanwhile stay until their time.
  public var timerCount: Int { timers.count }

  // MARK: What happens

  /// A transport opened a connection. The handle is good until `closed`.
  public mutating func open(_ description: ConnectionDescription, now: Instant, effects: inout Effects) -> Slot {
    step(now, &effects) { shard in
      let id = ConnectionID(high: shard.random.next(), low: shard.random.next())
      let slot = shard.connections.insert { Connection(slot: $0, id: id, description: description, now: now) }
      if let connection = shard.connections[slot] {
        connection.version = description.version ?? connection.version
        shard.setAlarm(connection, after: shard.limits.helloTimeoutMilliseconds)
      }
      shard.observe(LifecycleEvent(.connectionOpened, connection: id, reason: description.remote))
      return slot
    }
  }

  /// One whole text message came.
  /// - Parameters:
  ///   - isUTF8: the transport has seen that it is. Otherwise it is looked at here, and is malformed if it is not.
  ///   - serve: mostly asked for the outcome of an event whose turn it is at once, which spares a `deliver` effect
  ///     and the way back through `handled`; nil asks for that effect, which comes for every other event. The shard is in
  ///     the middle of a step meanwhile, so it must not lead back here.
  public mutating func receive(
    _ message: Span<UInt8>, isUTF8: Bool = false, on slot: Slot, now: Instant, effects: inout Effects,
    serve: Serving = { _ in nil }
  ) -> Intake {
    begin(now, &effects)
    let intake = connections.lend(slot)?._withUnsafeGuaranteedRef { read(message, isUTF8, $0, serve) }
    end(&effects)
    return intake ?? .stop
  }

  /// A message came that is not text.
  public mutating func receiveBinary(on slot: Slot, now: Instant, effects: inout Effects) -> Intake {
    step(now, &effects) { shard in
      guard let connection = shard.connections[slot] else { return .stop }
      shard.refuse(connection, .malformed("a message is JSON text, not binary"), .malformed)
      return .stop
    }
  }

  /// Bytes came: the peer lives.
  public mutating func heard(_ slot: Slot, now: Instant) {
    connections.lend(slot)?._withUnsafeGuaranteedRef { $0.lastHeard = now }
  }

  /// The transport is gone, by whoever's doing; the handle is void.
  public mutating func closed(
    _ slot: Slot, code: UInt16?, reason: String, now: Instant, effects: inout Effects
  ) {
    step(now, &effects) { shard in
      guard let connection = shard.connections[slot] else { return }
      shard.detach(connection)
      #if PlantedFaults
      if Planted.isOn(.closeIsToldTwice) {
        shard.observe(LifecycleEvent(.connectionClosed, connection: connection.id, code: code, reason: reason))
      }
      if !Planted.isOn(.connectionIsNotForgotten) { shard.connections.remove(slot) }
      #else
      shard.connections.remove(slot)
      #endif
      shard.observe(LifecycleEvent(.connectionClosed, connection: connection.id, code: code, reason: reason))
    }
  }

  /// The transport finds that the peer has not read for too long: its session waits for a better connection.
  public mutating func tooSlow(_ slot: Slot, now: Instant, effects: inout Effects) {
    step(now, &effects) { shard in
      guard let connection = shard.connections[slot] else { return }
      shard.close(connection, .tooSlow, "the client does not read")
    }
  }

  /// The peer sent more than its session takes, on a transport that cannot make it wait.
  public mutating func windowExceeded(_ slot: Slot, now: Instant, effects: inout Effects) {
    step(now, &effects) { shard in
      guard let connection = shard.connections[slot] else { return }
      let error = ProtocolError("window.exceeded", "more is under way than the window allows")
      shard.refuse(connection, error, .badSequence)
    }
  }

  public mutating func answered(_ token: HookToken, _ answer: Answer, now: Instant, effects: inout Effects) {
    step(now, &effects) { shard in
      switch token.asker {
      case .connection(let slot): shard.connectionAnswered(slot, token.serial, answer)
      case .session(let slot): shard.authorizerAnswered(slot, token.serial, answer)
      }
    }
  }

  public mutating func handled(
    _ token: HandlerToken, _ outcome: HandlerOutcome, now: Instant, effects: inout Effects
  ) {
    step(now, &effects) { $0.finish(token, outcome) }
  }

  public mutating func logged(_ token: LogToken, _ position: LogPosition, now: Instant, effects: inout Effects) {
    step(now, &effects) { $0.roomLogged(token, position) }
  }

  public mutating func posted(_ message: ShardMessage, now: Instant, effects: inout Effects) {
    step(now, &effects) { $0.handle(message) }
  }

  /// Most sessions that end for their time in one step. Each leaves all its rooms, and many may have been lost together.
  static var maxExpiriesPerStep: Int { 32 }

  /// Timers that are due. To be called at `nextDeadline` or later, and again if that is still due.
  public mutating func advance(now: Instant, effects: inout Effects) {
    step(now, &effects) { shard in
      var expiryCount = 0
      while expiryCount < Shard.maxExpiriesPerStep, let (key, deadline) = shard.timers.popDue(shard.now) {
        if key.purpose == .expiry { expiryCount += 1 }
        shard.fire(key, deadline)
      }
      shard.tombstones.removeExpired(shard.now)
    }
  }

  /// When `advance` is wanted; `.never` if nothing waits.
  public var nextDeadline: Instant { min(timers.next ?? .never, tombstones.next ?? .never) }

  // MARK: One step

  /// Runs one step: what it posts to its own shard is done before it ends.
  mutating func step<Result>(
    _ now: Instant, _ effects: inout Effects, _ body: (inout Shard) -> Result
  ) -> Result {
    begin(now, &effects)
    let result = body(&self)
    end(&effects)
    return result
  }

  private mutating func begin(_ now: Instant, _ effects: inout Effects) {
    self.now = max(self.now, now)
    swap(&out, &effects)
  }

  private mutating func end(_ effects: inout Effects) {
    if !localMail.isEmpty { handleLocalMail() }
    sessions.bury()
    connections.bury()
    homeSlots.bury()
    if timers.isCrowded { sweepTimers() }
    swap(&out, &effects)
  }

  private mutating func handleLocalMail() {
    while let message = localMail.popFirst() { handle(consume message) }
  }

  mutating func post(_ content: ShardMessage.Content, to shard: Int) {
    let message = ShardMessage(content: content)
    if shard == configuration.index { localMail.append(message) } else { out.append(.post(message, to: shard)) }
  }

  mutating func nextSerial() -> UInt64 {
    serial += 1
    return serial
  }

  mutating func observe(_ event: LifecycleEvent) { out.append(.observe(event)) }

  // MARK: Where things are

  func registrar(of sid: SessionID) -> Int { Int(sid.low % UInt64(configuration.count)) }

  /// The shard that is the home of a room or of a user.
  func home(of name: String) -> Int { Shard.home(of: name, shardCount: configuration.count) }

  /// FNV-1a, then mixed: the same on every run, unlike the standard library's hash.
  public static func home(of name: String, shardCount: Int) -> Int {
    guard shardCount > 1 else { return 0 }
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    hash ^= hash >> 32
    return Int(hash % UInt64(shardCount))
  }

  /// A new id whose registrar is this shard.
  mutating func newSID() -> SessionID {
    let count = UInt64(configuration.count)
    // The highest multiple of `count` and what comes after it are left out, so that the sum cannot pass 2^64-1.
    let low = random.next() / count
    let base = min(low, UInt64.max / count - 1) * count
    return SessionID(high: random.next(), low: base + UInt64(configuration.index))
  }
}
