import SessionCore

/// One seeded run: clients that send, join, leave, drop and come back, over wires that delay and break, against shards
/// that are slow to talk to each other. Afterwards everything is healed and it is looked at what became of it.
public final class Simulation {
  public struct Options: Sendable {
    public var clientCount = 5
    public var shardCount = 3
    public var roomCount = 3
    /// Things that clients do, before everything is healed.
    public var actionCount = 300
    public init() {}
  }

  public struct Outcome: Sendable {
    public var faults: [String] = []
    public var steps: UInt64 = 0
    public var resumed = 0
    public var renewed = 0
    public var gapCount: UInt64 = 0
    public var roomMessages = 0

    public init() {}
  }

  let world: World
  let options: Options
  let clients: [any SimulatedClient]
  private var byWire: [Int: any SimulatedClient] = [:]
  private var faults: [String] = []
  private var nextID = 0
  private let ledger: Ledger

  /// What the application did.
  private final class Ledger {
    /// How often each (session, id) was handled.
    var handled: [String: Int] = [:]
    /// How often each session began and ended.
    var created: [SessionID: Int] = [:]
    var ended: [SessionID: Int] = [:]

    func note(_ event: LifecycleEvent) {
      guard let sid = event.sid else { return }
      if event.kind == .sessionCreated { created[sid, default: 0] += 1 }
      if event.kind == .sessionEnded { ended[sid, default: 0] += 1 }
    }
  }

  public init(seed: UInt64, options: Options = Options()) {
    self.options = options
    let ledger = Ledger()
    self.ledger = ledger
    var application = World.Application()
    application.dispatcher.on("echo", HandlerID(rawValue: 0))
    application.handle = { delivery in
      ledger.handled["\(delivery.session.sid) \(delivery.id ?? "")", default: 0] += 1
      return .reply(delivery.payload)
    }
    var limits = Limits()
    limits.outbox = OutboxLimits(messageCount: 10, byteCount: 1 << 16, transientCount: 8)
    limits.window = Window(messageCount: 8, byteCount: 1 << 14)
    limits.sessionTTLMilliseconds = 3_000
    limits.pingIntervalMilliseconds = 400
    limits.pingTimeoutMilliseconds = 200
    let delays = World.Delays(
      link: 0...4_000, wire: 100...20_000, hook: 0...2_000, handler: 0...30_000, notice: 0...400_000)
    world = World(
      shardCount: options.shardCount, limits: limits, application: application, delays: delays, seed: seed)
    clients = (0..<options.clientCount).map { number -> any SimulatedClient in
      if number % 2 == 0 { MachineClient(number: number) } else { HonestClient(number: number) }
    }
    world.onWire = { [unowned self] wire, event in self.heard(wire, event) }
    world.onOwn = { [unowned self] id in self.wake(id) }
    world.onLifecycle = { ledger.note($0) }
  }

  /// Runs to the end and judges.
  public func run() -> Outcome {
    for client in clients { connect(client) }
    for step in 0..<options.actionCount {
      world.run(forMilliseconds: world.random.next() % 20)
      for client in clients { tick(client) }
      act(clients[Int(world.random.next() % UInt64(clients.count))])
      if step % 8 == 0 { checkOwners() }
    }
    heal()
    judge()
    let records = clients.map(\.record)
    var outcome = Outcome()
    outcome.faults = faults
    for client in clients { outcome.faults += client.record.faults.map { "client \(client.number): \($0)" } }
    outcome.steps = world.stepCount
    for record in records {
      outcome.resumed += record.resumed
      outcome.renewed += record.renewed
      outcome.gapCount += record.gapCount
      outcome.roomMessages += record.roomMessages
    }
    return outcome
  }

  // MARK: Clients

  private func connect(_ client: any SimulatedClient) {
    guard client.wire == nil else { return }
    let wire = world.connect()
    client.wire = wire
    byWire[wire.id] = client
    for text in client.opened(now: world.now) { world.send(text, on: wire) }
  }

  private func lose(_ client: any SimulatedClient, afterMicroseconds delay: UInt64) {
    client.wire = nil
    client.closed(now: world.now)
    world.schedule(client.number, afterMicroseconds: delay)
  }

  /// The client's own timers: a delayed acknowledgement.
  private func tick(_ client: any SimulatedClient) {
    guard let wire = client.wire else { return }
    for text in client.advance(now: world.now) { world.send(text, on: wire) }
  }

  private func wake(_ id: Int) { connect(clients[id]) }

  private func heard(_ wire: Wire, _ event: WireEvent) {
    guard let client = byWire[wire.id] else { return }
    guard client.wire === wire else { return }
    switch event {
    case .message(let bytes):
      for text in client.hear(bytes, now: world.now) { world.send(text, on: wire) }
    case .closed(let code):
      // 4002 is what a client gets that was silent; 4504 when it came back before the server knew that it was gone.
      if code != 4002 { faults.append("client \(client.number) was closed with \(code)") }
      lose(client, afterMicroseconds: 1_000)
    }
  }

  // MARK: What they do

  private func act(_ client: any SimulatedClient) {
    guard let wire = client.wire, client.isWelcome else { return }
    let room = "room-\(world.random.next() % UInt64(options.roomCount))"
    switch world.random.next() % 32 {
    case 0..<15: send(client, wire, .publish(room: room))
    case 15..<19: send(client, wire, .echo)
    case 19..<23: send(client, wire, .join(room: room))
    case 23: send(client, wire, .leave(room: room))
    case 24: for text in client.again() { world.send(text, on: wire) }
    case 25..<29: drop(client, wire, awayMicroseconds: world.random.next() % 300_000)
    case 29: drop(client, wire, awayMicroseconds: 2_500_000 + world.random.next() % 1_500_000)
    case 30: moveOver(client)
    default: block(client, wire)
    }
  }

  private func send(_ client: any SimulatedClient, _ wire: Wire, _ sending: Sending) {
    nextID += 1
    for text in client.send(sending, id: "\(client.number)-\(nextID)", now: world.now) { world.send(text, on: wire) }
  }

  private func drop(_ client: any SimulatedClient, _ wire: Wire, awayMicroseconds: UInt64) {
    world.drop(wire)
    lose(client, afterMicroseconds: awayMicroseconds)
  }

  /// A new wire while the server still believes in the old one: make before break.
  private func moveOver(_ client: any SimulatedClient) {
    guard let old = client.wire else { return }
    client.wire = nil
    client.closed(now: world.now)
    connect(client)
    world.drop(old, noticeAfterMicroseconds: 500_000)
  }

  /// The client does not read for a while.
  private func block(_ client: any SimulatedClient, _ wire: Wire) {
    world.setBlocked(true, on: wire)
    world.run(forMilliseconds: world.random.next() % 100)
    world.setBlocked(false, on: wire)
  }

  // MARK: The end

  /// No more faults: everyone comes back, and what is under way arrives.
  private func heal() {
    world.run(forMilliseconds: 4_000)
    for client in clients { connect(client) }
    for _ in 0..<60 {
      world.run(forMilliseconds: 100)
      for client in clients { tick(client) }
    }
  }

  /// One owner at every moment, and both indices of the rooms agree when nothing is under way.
  private func checkOwners() {
    var seen: Set<SessionID> = []
    for session in world.sessions where !seen.insert(session.sid).inserted {
      faults.append("\(session.sid) has two owners")
    }
    let attached = world.sessions.compactMap(\.connection)
    if Set(attached).count != attached.count { faults.append("a connection carries two sessions") }
  }

  private func judge() {
    checkOwners()
    judgeRooms()
    for (key, count) in ledger.handled where count != 1 { faults.append("\(key) was handled \(count) times") }
    for client in clients {
      if !client.isWelcome { faults.append("client \(client.number) did not come back") }
      if client.pendingCount > 0 { faults.append("client \(client.number): \(client.pendingCount) sends without an end") }
      judgeAnswers(client)
      if client.record.missing > client.record.gapCount {
        faults.append("client \(client.number) missed \(client.record.missing), gaps name \(client.record.gapCount)")
      }
    }
  }

  private func judgeAnswers(_ client: any SimulatedClient) {
    for (id, count) in client.record.answered where count != 1 {
      faults.append("client \(client.number): \(id) was answered \(count) times")
    }
    guard client.record.renewed == 0 else { return }
    for id in client.record.acknowledged where client.record.answered[id] == nil {
      faults.append("client \(client.number): \(id) was acknowledged and never answered")
    }
  }

  private func judgeRooms() {
    var fromSessions: [String: Set<SessionID>] = [:]
    for session in world.sessions {
      for room in session.rooms { fromSessions[room, default: []].insert(session.sid) }
    }
    let fromRooms = Dictionary(uniqueKeysWithValues: world.rooms.map { ($0.name, Set($0.members)) })
    if fromSessions != fromRooms { faults.append("rooms \(fromRooms) differ from sessions \(fromSessions)") }
  }

  /// Everyone goes: nothing may be left behind.
  public func end() -> [String] {
    world.onWire = nil
    for client in clients { if let wire = client.wire { world.drop(wire, noticeAfterMicroseconds: 0) } }
    world.run(forMilliseconds: 10_000)
    var left: [String] = []
    if !world.sessions.isEmpty { left.append("\(world.sessions.count) sessions outlived their time") }
    for (sid, count) in ledger.created where count != 1 || ledger.ended[sid] != 1 {
      left.append("\(sid) began \(count) times and ended \(ledger.ended[sid] ?? 0) times")
    }
    if !world.rooms.isEmpty { left.append("\(world.rooms.count) rooms outlived their members") }
    return left
  }
}
