import SessionCore
import SessionSimulator
import Testing

/// A client session that talks to real shards in virtual time, over wires that break.
private final class SimulatedClient {
  let world: World
  var session: ClientSession
  var reconnector = Reconnector()
  var wire: Wire?
  /// Messages of others in the room, as their payloads; what gaps named is counted.
  var heard: [String] = []
  var gapCount: UInt64 = 0
  var outcomes: [UInt64: SendOutcome] = [:]
  var faults: [ServerFault] = []

  init(_ world: World) {
    self.world = world
    var configuration = ClientSession.Configuration()
    configuration.window = Window(messageCount: 8, byteCount: 10_000)
    session = ClientSession(configuration)
  }

  func connect() {
    reconnector.start()
    wire = world.connect()
    perform { $0.opened(now: $1, actions: &$2) }
  }

  func perform(_ body: (inout ClientSession, Instant, inout [ClientAction]) -> Void) {
    var actions: [ClientAction] = []
    body(&session, world.now, &actions)
    carry(actions)
  }

  private func carry(_ actions: [ClientAction]) {
    for action in actions {
      switch action {
      case .transmit(let bytes): if let wire { world.send(bytes, on: wire) }
      case .outcome(let tickets, let outcome): for ticket in tickets { outcomes[ticket] = outcome }
      case .gap(let gap): gapCount += gap.count
      case .fault(let fault): faults.append(fault)
      case .welcomed: reconnector.welcomed(now: world.now)
      case .close: cut()
      default: break
      }
    }
  }

  func receive(_ bytes: [UInt8]) {
    var actions: [ClientAction] = []
    session.heard(now: world.now)
    let envelope = session.receive(bytes.span, now: world.now, actions: &actions)
    carry(actions)
    if let envelope, envelope.type == .event { heard.append(IncomingMessage(envelope, bytes.span).payloadText) }
    perform { $0.flush(now: $1, actions: &$2) }
  }

  /// The wire breaks; a new one is taken a moment later.
  func cut() {
    guard let wire else { return }
    world.drop(wire)
    ended(1006)
  }

  func ended(_ code: UInt16) {
    wire = nil
    perform { $0.closed(now: $1, actions: &$2) }
    let next = reconnector.ended(.closed(CloseCode(rawValue: code), reason: ""), now: world.now, using: &world.random)
    if case .stop(let reason) = next { Issue.record("stopped: \(reason)") }
  }

  func send(_ payload: String) -> UInt64? {
    var actions: [ClientAction] = []
    let ticket = try? session.send(
      event: "say", payload: Array(payload.utf8), room: "lobby", now: world.now, actions: &actions)
    carry(actions)
    return ticket
  }
}

@Suite struct ClientAgainstShardTests {
  /// Two clients talk in a room while their wires break at any moment: each hears every message once and in order.
  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func nothingIsLostOrRepeatedOverBrokenWires(seed: UInt64) {
    let world = World(
      shardCount: 2,
      delays: World.Delays(link: 1...2_000, wire: 1...20_000, hook: 1...1_000, handler: 1...1_000, notice: 1...300_000),
      seed: seed)
    let clients = [SimulatedClient(world), SimulatedClient(world)]
    world.onWire = { wire, event in
      guard let client = clients.first(where: { $0.wire === wire }) else { return }
      switch event {
      case .message(let bytes): client.receive(bytes)
      case .closed(let code): client.ended(code)
      }
    }
    // The world holds the clients, and they hold it: the leak sanitizer found 60 of them.
    defer { world.onWire = nil }
    for client in clients {
      client.connect()
      client.perform { session, now, actions in _ = try? session.join("lobby", now: now, actions: &actions) }
    }
    run(world, clients, milliseconds: 500, sends: false, cuts: false)
    run(world, clients, milliseconds: 20_000, sends: true, cuts: true)
    run(world, clients, milliseconds: 60_000, sends: false, cuts: false)
    let total = clients.map { $0.session.lastSent - 1 }.reduce(0, +)
    #expect(total > 20)
    for (index, client) in clients.enumerated() {
      #expect(client.faults.isEmpty)
      #expect(client.session.counters.duplicates == 0 && client.session.counters.holes == 0)
      #expect(client.session.counters.resumes > 0 && client.session.counters.newSessions == 1)
      #expect(client.outcomes.values.allSatisfy { $0 == .acked })
      #expect(client.session.unackedCount == 0 && client.session.queuedCount == 0)
      #expect(UInt64(client.heard.count) + client.gapCount == total, "client \(index)")
      #expect(Set(client.heard).count == client.heard.count)
    }
    if clients.allSatisfy({ $0.gapCount == 0 }) { #expect(clients[0].heard == clients[1].heard) }
  }

  private func run(_ world: World, _ clients: [SimulatedClient], milliseconds: UInt64, sends: Bool, cuts: Bool) {
    let end = world.now.advanced(byMilliseconds: milliseconds)
    var serial = 0
    while world.now < end {
      world.run(forMilliseconds: 10)
      for (index, client) in clients.enumerated() {
        if client.session.nextDeadline <= world.now { client.perform { $0.advance(now: $1, actions: &$2) } }
        if client.reconnector.nextDeadline <= world.now { client.connect() }
        if cuts, world.random.next() % 60 == 0 { client.cut() }
        if sends, world.random.next() % 10 == 0 {
          serial += 1
          _ = client.send("\"\(index)-\(serial)\"")
        }
      }
    }
  }
}
