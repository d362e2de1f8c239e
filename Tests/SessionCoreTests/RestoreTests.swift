import SessionCore
import Testing

/// One shard without a world around it: hooks are answered by the test, in any order, late, twice or never.
private final class OneShard {
  private var shard: Shard
  private(set) var now = Instant.zero
  private(set) var asked: [(token: HookToken, question: Question)] = []
  private(set) var events: [LifecycleEvent] = []
  private var received: [Slot: [JSONValue]] = [:]
  private(set) var closed: [Slot: UInt16] = [:]
  private var logs: [String: LogPosition] = [:]

  init(_ limits: Limits, asksAuthorizer: Bool = false) {
    shard = Shard(
      configuration: ShardConfiguration(
        index: 0, count: 1, limits: limits, asksAuthorizer: asksAuthorizer, asksRestorer: true),
      random: ChaChaGenerator(seed: 1))
  }

  private func step(_ body: (inout Shard, Instant, inout Effects) -> Void) {
    var effects: Effects = []
    body(&shard, now, &effects)
    var index = 0
    while index < effects.count {
      carry(effects[index], &effects)
      index += 1
    }
  }

  private func carry(_ effect: Effect, _ effects: inout Effects) {
    switch effect {
    case .write(let slot): read(slot)
    case .close(let slot, let code, _):
      read(slot)
      closed[slot] = code.rawValue
      shard.closed(slot, code: code.rawValue, reason: "", now: now, effects: &effects)
    case .ask(let token, .authenticate):
      shard.answered(token, .authenticated(Principal(user: "ann")), now: now, effects: &effects)
    case .ask(let token, let question): asked.append((token, question))
    case .log(let token, let operation): log(token, operation, &effects)
    case .observe(let event): events.append(event)
    default: break
    }
  }

  private func log(_ token: LogToken, _ operation: LogOperation, _ effects: inout Effects) {
    switch operation {
    case .close: break
    case .open(let room):
      logs[room] = LogPosition(log: 0xA, offset: 0)
      shard.logged(token, logs[room]!, now: now, effects: &effects)
    case .append(let room, _):
      logs[room]!.offset += 1
      shard.logged(token, logs[room]!, now: now, effects: &effects)
    }
  }

  private func read(_ slot: Slot) {
    var buffer = OutputBuffer()
    while shard.drain(slot, now: now, byteBudget: 1 << 16, into: &buffer) {}
    for range in buffer.messages {
      if let message = try? JSONValue(parsing: Array(buffer.bytes[range])) { received[slot, default: []].append(message) }
    }
  }

  func connect(_ resume: String = #""ack":0"#) -> Slot {
    var slot = Slot(index: 0, generation: 0)
    step { shard, now, effects in
      slot = shard.open(ConnectionDescription(transport: "test", remote: "test"), now: now, effects: &effects)
    }
    let sid = SessionID(high: 7, low: 7)
    let hello =
      #"{"v":2,"type":"hello","payload":{"versions":[2],"resume":{"sid":"\#(sid)","token":"t","epoch":"00000000000000aa",\#(resume)}}}"#
    say(hello, slot)
    return slot
  }

  func say(_ text: String, _ slot: Slot) {
    step { shard, now, effects in _ = shard.receive(Array(text.utf8).span, on: slot, now: now, effects: &effects) }
  }

  func answer(_ index: Int, _ answer: Answer) {
    let token = asked[index].token
    step { $0.answered(token, answer, now: $1, effects: &$2) }
  }

  func drop(_ slot: Slot) { step { $0.closed(slot, code: nil, reason: "", now: $1, effects: &$2) } }

  func execute(_ command: Command) {
    step { $0.execute(command, token: CommandToken(1), now: $1, effects: &$2) }
  }

  func run(milliseconds: UInt64) {
    now = now.advanced(byMilliseconds: milliseconds)
    step { $0.advance(now: $1, effects: &$2) }
  }

  func hear(_ slot: Slot) -> [JSONValue] { received.removeValue(forKey: slot) ?? [] }
  var sessionCount: Int { shard.sessions(now: now).count }
  var roomNames: [String] { shard.rooms().filter { !$0.members.isEmpty }.map(\.name).sorted() }
}

@Suite struct RestoreTests {
  private static func limits(_ change: (inout Limits) -> Void = { _ in }) -> Limits {
    var limits = Limits()
    limits.roomRules = [RoomRule(NamePattern("h-*"), RoomPolicy(history: RoomPolicy.History(messageCount: 5)))]
    change(&limits)
    return limits
  }

  @Test func theSessionIsWelcomedInItsRooms() {
    let shard = OneShard(RestoreTests.limits())
    let slot = shard.connect()
    #expect(shard.hear(slot).isEmpty)
    shard.answer(0, .restored(state: Array(#"{"a":1}"#.utf8), rooms: ["x", "y", "x"]))
    let messages = shard.hear(slot)
    #expect(messages.map { $0["type"] } == ["welcome", "live"])
    let welcome = messages[0]["payload"] ?? .null
    #expect(welcome["resumed"] == false && welcome["reason"] == "unknown")
    #expect(welcome["state"]?.text == #"{"a":1}"#)
    #expect(
      welcome["rooms"]?.text
        == #"[{"room":"x","pos":["000000000000000a",0]},{"room":"y","pos":["000000000000000a",0]}]"#)
    #expect(shard.roomNames == ["x", "y"])
  }

  @Test func whatTheRoomsSaidMeanwhileIsReplayed() {
    let shard = OneShard(RestoreTests.limits())
    for number in 1...4 {
      shard.execute(.publish(room: "h-1", RoomEvent(event: "n", payload: Array("\(number)".utf8))))
    }
    let slot = shard.connect(#""ack":9,"pos":{"h-1":["000000000000000a",2],"x":["000000000000000a",1]}"#)
    shard.answer(0, .restored(state: nil, rooms: ["h-1", "x", "h-2"]))
    let messages = shard.hear(slot)
    let rooms = messages.first?["payload"]?["rooms"]?.arrayValue ?? []
    #expect(
      rooms.map(\.text) == [
        #"{"room":"h-1","pos":["000000000000000a",4],"history":{"from":3,"to":4},"continuous":true}"#,
        // The room began anew: its old log cannot be told.
        #"{"room":"x","pos":["000000000000000a",0],"history":null,"continuous":false}"#,
        #"{"room":"h-2","pos":["000000000000000a",0]}"#,
      ])
    #expect(messages.first?["payload"]?["replay"]?.text == #"{"from":1,"to":2}"#)
    #expect(messages.map { $0["type"] } == ["welcome", "event", "event", "live"])
    #expect(messages[1...2].map { $0["payload"] } == [3, 4])
    #expect(messages[1...2].map { $0["history"] } == [true, true])
    shard.execute(.publish(room: "h-1", RoomEvent(event: "n", payload: Array("5".utf8))))
    #expect(shard.hear(slot).map { $0["seq"] } == [3])
  }

  @Test func whatIsNoLongerKeptIsNamed() {
    let shard = OneShard(RestoreTests.limits())
    for number in 1...9 {
      shard.execute(.publish(room: "h-1", RoomEvent(event: "n", payload: Array("\(number)".utf8))))
    }
    let slot = shard.connect(#""ack":0,"pos":{"h-1":["000000000000000a",1]}"#)
    shard.answer(0, .restored(state: nil, rooms: ["h-1"]))
    let room = shard.hear(slot).first?["payload"]?["rooms"]?.arrayValue?.first ?? .null
    #expect(room["history"]?.text == #"{"from":5,"to":9}"#)
    #expect(room["continuous"] == false)
    #expect(room["lost"]?.text == #"{"from":2,"to":4}"#)
  }

  @Test(arguments: [
    Answer.nothing, .authorized,
    .restored(state: Array("{".utf8), rooms: ["x"]),
    .restored(state: Array(repeating: 0x31, count: 4_097), rooms: ["x"]),
    .restored(state: nil, rooms: ["x", ""]),
    .restored(state: nil, rooms: ["x", "a\n"]),
    .restored(state: nil, rooms: [String(repeating: "x", count: 129)]),
  ]) func anAnswerThatCannotBeUsedBeginsTheSessionEmpty(answer: Answer) {
    let shard = OneShard(RestoreTests.limits())
    let slot = shard.connect()
    shard.answer(0, answer)
    let welcome = shard.hear(slot).first?["payload"] ?? .null
    #expect(welcome["state"] == .null && welcome["rooms"] == .array([]) && welcome["resumed"] == false)
    #expect(shard.roomNames.isEmpty)
    if case .restored = answer { #expect(shard.events.contains { $0.kind == .restoreFailed }) }
  }

  @Test func anAnswerThatComesLateOrTwiceHasNoEffect() {
    let shard = OneShard(RestoreTests.limits())
    let slot = shard.connect()
    shard.run(milliseconds: 10_000)
    #expect(shard.hear(slot).map { $0["type"] } == ["welcome", "live"], "without the restorer's answer")
    shard.answer(0, .restored(state: nil, rooms: ["x"]))
    let second = shard.connect()
    shard.answer(1, .restored(state: nil, rooms: ["y"]))
    shard.answer(1, .restored(state: nil, rooms: ["z"]))
    shard.answer(0, .refused(ProtocolError("server.error", "late")))
    #expect(shard.hear(second).map { $0["type"] } == ["welcome", "live"])
    #expect(shard.roomNames == ["y"])
    #expect(shard.closed.isEmpty)
  }

  @Test func aRefusalClosesTheConnection() {
    let shard = OneShard(RestoreTests.limits())
    let slot = shard.connect()
    shard.answer(0, .refused(ProtocolError("server.error", "the store is down", retry: .later)))
    #expect(shard.closed[slot] == 4000)
    #expect(shard.sessionCount == 0)
  }

  @Test func aStormWaitsForItsTurn() {
    let shard = OneShard(RestoreTests.limits { ($0.restorePendingCount, $0.restoreQueueCount) = (2, 3) })
    let slots = (0..<6).map { _ in shard.connect() }
    #expect(shard.asked.count == 2)
    #expect(shard.closed[slots[5]] == 1013, "more than may wait")
    #expect(shard.hear(slots[5]).first?["payload"]?["code"] == "server.busy")
    shard.answer(0, .nothing)
    #expect(shard.asked.count == 3)
    // Those that leave make place too, be they asked about or waiting.
    shard.drop(slots[1])
    #expect(shard.asked.count == 4)
    shard.drop(slots[4])
    shard.answer(2, .nothing)
    shard.answer(3, .nothing)
    #expect(shard.asked.count == 4)
    #expect([0, 2, 3].allSatisfy { shard.hear(slots[$0]).first?["type"] == "welcome" })
    // An answer for one that has left does not count as a place twice.
    shard.answer(1, .nothing)
    _ = (0..<3).map { _ in shard.connect() }
    #expect(shard.asked.count == 6)
  }

  @Test func whoWaitsTooLongComesBackLater() {
    let shard = OneShard(RestoreTests.limits { ($0.restorePendingCount, $0.helloTimeoutMilliseconds) = (1, 60_000) })
    let first = shard.connect()
    shard.run(milliseconds: 5_000)
    let second = shard.connect()
    let third = shard.connect()
    // The first question's time is over at 10 s: then the second one's begins, and the third waits on.
    shard.run(milliseconds: 5_000)
    #expect(shard.asked.count == 2)
    #expect(shard.hear(first).first?["type"] == "welcome")
    shard.run(milliseconds: 5_000)
    #expect(shard.closed[third] == 1013)
    #expect(shard.closed[second] == nil)
  }

  @Test func roomsThatCannotBeEnteredAreLeftOut() {
    let shard = OneShard(RestoreTests.limits { $0.roomsPerSession = 3 }, asksAuthorizer: true)
    let slot = shard.connect()
    shard.answer(0, .restored(state: nil, rooms: ["a", "b", "c", "d"]))
    #expect(shard.asked.count == 4)
    shard.answer(2, .refused(ProtocolError("room.forbidden", "no")))
    shard.answer(1, .authorized)
    shard.answer(1, .refused(ProtocolError("room.forbidden", "twice")))
    #expect(shard.hear(slot).isEmpty, "c is not decided")
    shard.answer(3, .authorized)
    let rooms = shard.hear(slot).first?["payload"]?["rooms"]?.arrayValue ?? []
    #expect(rooms.map { $0["room"] } == ["a", "c"])
    let left = shard.events.filter { $0.kind == .roomNotRestored }
    #expect(left.map { "\($0.room ?? "") \($0.reason ?? "")" } == ["d room.limit", "b room.forbidden"])
  }

  @Test func aSilentAuthorizerCostsItsRoomsOnly() {
    let shard = OneShard(RestoreTests.limits(), asksAuthorizer: true)
    let slot = shard.connect()
    shard.answer(0, .restored(state: nil, rooms: ["a", "b"]))
    shard.answer(1, .authorized)
    shard.run(milliseconds: 10_000)
    let rooms = shard.hear(slot).first?["payload"]?["rooms"]?.arrayValue ?? []
    #expect(rooms.map { $0["room"] } == ["a"])
    shard.answer(2, .authorized)
    #expect(shard.roomNames == ["a"])
  }

  @Test func aClientThatLeavesBeforeWelcomeLeavesNothingBehind() {
    let shard = OneShard(RestoreTests.limits(), asksAuthorizer: true)
    let slot = shard.connect()
    shard.answer(0, .restored(state: nil, rooms: ["a", "b"]))
    shard.answer(1, .authorized)
    #expect(shard.sessionCount == 1)
    shard.drop(slot)
    #expect(shard.sessionCount == 0 && shard.roomNames.isEmpty)
    shard.answer(2, .authorized)
    #expect(shard.roomNames.isEmpty)
  }
}
