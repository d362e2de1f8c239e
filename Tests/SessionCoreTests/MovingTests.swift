import SessionCore
import SessionSimulator
import Testing

/// A client that is asked to move: it makes the second connection before it lets go of the first.
private final class MovingClient {
  let world: World
  var session: ClientSession
  var first: Wire?
  var second: Wire?
  var heard: [String] = []
  var gapCount: UInt64 = 0
  var faults: [ServerFault] = []
  var outcomes: [UInt64: SendOutcome] = [:]
  var endings: [UInt16] = []
  var drains: [DrainNotice] = []
  var moves = 0
  var declined = 0

  init(_ world: World) {
    self.world = world
    session = ClientSession()
    first = world.connect(node: 0)
    act { $0.opened(now: $1, actions: &$2) }
  }

  func act(_ body: (inout ClientSession, Instant, inout [ClientAction]) -> Void) {
    var actions: [ClientAction] = []
    body(&session, world.now, &actions)
    carry(actions)
  }

  private func carry(_ actions: [ClientAction]) {
    for action in actions {
      switch action {
      case .transmit(let bytes): if let first { world.send(bytes, on: first) }
      case .outcome(let tickets, let outcome):
        for ticket in tickets {
          #expect(outcomes[ticket] == nil, "one outcome for each send")
          outcomes[ticket] = outcome
        }
      case .gap(let gap): gapCount += gap.count
      case .fault(let fault): faults.append(fault)
      case .draining(let notice): drains.append(notice)
      default: break
      }
    }
  }

  /// Begins to move, to the shard named.
  func move(node: Int) {
    // Nil between the end of the first connection and the welcome on the second: there is nothing to move yet.
    guard let hello = session.makeOffer(now: world.now) else { return }
    let wire = world.connect(node: node)
    second = wire
    world.send(hello, on: wire)
  }

  func hear(_ wire: Wire, _ event: WireEvent) {
    switch event {
    case .message(let bytes) where wire === first: receive(bytes)
    case .message(let bytes) where wire === second: receiveOffered(bytes)
    case .closed(let code) where wire === first: ended(code)
    case .closed where wire === second:
      second = nil
      session.withdrawOffer()
    default: break
    }
  }

  private func receive(_ bytes: [UInt8]) {
    var actions: [ClientAction] = []
    session.heard(now: world.now)
    let envelope = session.receive(bytes.span, now: world.now, actions: &actions)
    carry(actions)
    if let envelope, envelope.type == .event { heard.append(IncomingMessage(envelope, bytes.span).payloadText) }
    act { $0.flush(now: $1, actions: &$2) }
  }

  private func receiveOffered(_ bytes: [UInt8]) {
    var actions: [ClientAction] = []
    let verdict = session.receiveOffered(bytes.span, now: world.now, actions: &actions)
    switch verdict {
    case .waits: break
    case .taken:
      if let first { world.drop(first) }
      (first, second) = (second, nil)
      moves += 1
    case .declined(let farewell):
      if let farewell, let second { world.send(farewell, on: second) }
      second = nil
      declined += 1
    }
    carry(actions)
  }

  private func ended(_ code: UInt16) {
    endings.append(code)
    guard second != nil, session.promoteOffer(now: world.now) else {
      act { $0.closed(now: $1, actions: &$2) }
      first = nil
      return
    }
    (first, second) = (second, nil)
    moves += 1
  }

  func say(_ number: Int) -> UInt64? {
    var ticket: UInt64?
    act { session, now, actions in
      ticket = try? session.send(event: "chat", payload: Array("\(number)".utf8), room: "r", now: now, actions: &actions)
    }
    return ticket
  }
}

@Suite struct MovingTests {
  private func world(_ wire: ClosedRange<UInt64> = 0...0) -> World {
    let world = World(shardCount: 2, seed: 3)
    world.delays.wire = wire
    return world
  }

  private func client(_ world: World) -> MovingClient {
    let client = MovingClient(world)
    world.onWire = { [unowned client] in client.hear($0, $1) }
    world.run(forMilliseconds: 100)
    client.act { _ = try? $0.join("r", now: $1, actions: &$2) }
    world.run(forMilliseconds: 200)
    return client
  }

  private func sid(_ client: MovingClient) -> SessionID {
    client.session.sid.flatMap { SessionID($0) } ?? SessionID(high: 0, low: 0)
  }

  @Test func anOperatorAsksOneClientToMove() {
    let world = world()
    let client = client(world)
    let token = world.execute(.advise(sid(client), reconnectAfterMilliseconds: 40), node: 1)
    world.run(forMilliseconds: 1)
    #expect(world.results[token] == .done(1))
    #expect(client.drains.map(\.reconnectAfterMilliseconds) == [40] && client.drains.first?.deadlineMilliseconds == nil)
    client.move(node: 1)
    world.run(forMilliseconds: 10)
    #expect(client.moves == 1 && client.session.phase == .live)
    #expect(world.sessions.map(\.generation) == [2])
    if let wire = client.first { world.drop(wire) }
    world.run(forMilliseconds: 10)
    let alone = world.execute(.advise(sid(client), reconnectAfterMilliseconds: 0))
    let gone = world.execute(.advise(SessionID(high: 1, low: 1), reconnectAfterMilliseconds: 0))
    world.run(forMilliseconds: 1)
    #expect(world.results[alone] == .done(0) && world.results[gone] == .notFound)
  }

  /// Both ways are busy while the session moves, again and again, over wires of different speed.
  @Test(arguments: [UInt64(1), 2, 3, 4, 5]) func nothingIsLostOrDoubled(seed: UInt64) {
    let world = World(shardCount: 2, seed: seed)
    world.delays = World.Delays(link: 0...2_000, wire: 100...8_000, handler: 0...3_000, notice: 0...30_000)
    let client = client(world)
    var tickets: [UInt64] = []
    for number in 1...400 {
      if let ticket = client.say(number) { tickets.append(ticket) }
      _ = world.execute(.publish(room: "r", RoomEvent(event: "n", payload: Array("\(10_000 + number)".utf8))))
      if number % 20 == 0, client.second == nil { client.move(node: number / 20 % 2) }
      world.run(forMilliseconds: 1)
      client.act { $0.advance(now: $1, actions: &$2) }
    }
    world.run(forMilliseconds: 2_000)
    client.act { $0.advance(now: $1, actions: &$2) }
    world.run(forMilliseconds: 1_000)
    #expect(client.moves >= 10 && client.faults.isEmpty && client.gapCount == 0)
    #expect(client.heard.filter { $0.count < 5 } == (1...400).map(String.init), "our own, once and in order")
    #expect(client.heard.filter { $0.count == 5 } == (10_001...10_400).map(String.init))
    #expect(tickets.count == 400 && tickets.allSatisfy { client.outcomes[$0] == .acked })
    #expect(client.session.counters.duplicates == 0 && client.session.counters.unknown == 0)
    #expect(client.endings.allSatisfy { $0 == 4504 })
  }

  @Test func aServerThatDrainsRefusesTheSecondAndServesTheFirst() {
    let world = world()
    let client = client(world)
    world.startDraining(spreadMilliseconds: 1_000, deadlineMilliseconds: nil)
    world.run(forMilliseconds: 1)
    #expect(client.drains.count == 1)
    client.move(node: 1)
    world.run(forMilliseconds: 10)
    #expect(client.second == nil && client.moves == 0 && client.endings.isEmpty)
    #expect(client.session.phase == .live && !client.session.hasOffer)
    let ticket = client.say(1) ?? 0
    world.run(forMilliseconds: 10)
    #expect(client.heard == ["1"])
    client.act { _ = try? $0.leave("r", now: $1, actions: &$2) }
    world.run(forMilliseconds: 300)
    #expect(client.outcomes[ticket] == .acked)
    world.stopDraining()
    client.move(node: 1)
    world.run(forMilliseconds: 10)
    #expect(client.moves == 1)
  }

  @Test func aSecondConnectionThatBreaksBeforeWelcomeChangesNothing() {
    let world = world()
    let client = client(world)
    client.move(node: 1)
    if let second = client.second { world.drop(second) }
    client.second = nil
    client.session.withdrawOffer()
    world.run(forMilliseconds: 10)
    _ = client.say(1)
    world.run(forMilliseconds: 10)
    #expect(client.heard == ["1"] && client.endings.isEmpty)
  }

  @Test func aNewSessionOverThereIsNotWanted() {
    let world = world()
    let client = client(world)
    client.move(node: 0)
    // Another server, which does not know the session, answers.
    let other = #"{"v":2,"ack":0,"type":"welcome","payload":{"version":2,"sid":"s_x","token":"t","resumed":false,"reason":"unknown"}}"#
    var actions: [ClientAction] = []
    let verdict = client.session.receiveOffered(Array(other.utf8).span, now: world.now, actions: &actions)
    #expect(verdict == .declined(farewell: Array(#"{"v":2,"ack":0,"type":"bye","payload":{}}"#.utf8)))
    #expect(actions.isEmpty && client.session.phase == .live && !client.session.hasOffer)
  }

  @Test func theOldConnectionsEndIsNoEndWhileTheNewOneIsDue() {
    var session = ClientSession()
    var actions: [ClientAction] = []
    session.opened(now: .zero, actions: &actions)
    func welcome(_ generation: Int, resumed: Bool) -> [UInt8] {
      Array(
        #"{"v":2,"ack":0,"type":"welcome","payload":{"version":2,"sid":"s_x","token":"t\#(generation)","epoch":"00000000000000aa","gen":\#(generation),"resumed":\#(resumed),"last_in":0}}"#.utf8)
    }
    _ = session.receive(welcome(1, resumed: false).span, now: .zero, actions: &actions)
    _ = session.receive(Array(#"{"v":2,"ack":0,"type":"live","payload":{}}"#.utf8).span, now: .zero, actions: &actions)
    let text = String(decoding: session.makeOffer(now: .zero) ?? [], as: UTF8.self)
    #expect(text.contains(#""resume":{"sid":"s_x","token":"t1","epoch":"00000000000000aa","ack":0}"#))
    #expect(session.phase == .live, "the first goes on")
    let isPromoted = session.promoteOffer(now: .zero)
    #expect(isPromoted && session.phase == .greeting)
    actions = []
    _ = session.receive(welcome(2, resumed: true).span, now: .zero, actions: &actions)
    #expect(session.phase == .replaying && session.snapshot.generation == 2)
    let again = session.promoteOffer(now: .zero)
    #expect(!again, "there is one promotion for one offer")
  }
}
