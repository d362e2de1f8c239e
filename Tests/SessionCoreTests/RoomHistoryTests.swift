import Foundation
import SessionCore
import SessionSimulator
import Testing

@Suite struct RoomHistoryTests {
  // MARK: The value

  private func message(_ size: Int) -> SharedMessage { SharedMessage(tail: Array(repeating: 0x20, count: size), room: "r") }

  private func history(_ count: Int, _ bytes: Int = 1_000, ttl: UInt64 = 1_000) -> RoomHistory {
    RoomHistory(RoomPolicy.History(messageCount: count, byteCount: bytes, ttlMilliseconds: ttl))
  }

  private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  @Test func itIsBoundedInNumberBytesAndAge() {
    var history = history(3, 100)
    for offset in 1...5 as ClosedRange<UInt64> {
      history.append(message(10), LogPosition(log: 1, offset: offset), now: at(offset), available: .max)
    }
    #expect(history.messageCount == 3 && history.byteCount == 30)
    history.append(message(80), LogPosition(log: 1, offset: 6), now: at(6), available: .max)
    #expect(history.messageCount == 3 && history.byteCount == 100)
    history.append(message(90), LogPosition(log: 1, offset: 7), now: at(7), available: .max)
    #expect(history.messageCount == 1 && history.byteCount == 90)
    #expect(history.nextExpiry == at(1_007))
    history.removeExpired(at(1_006))
    #expect(history.messageCount == 1)
    history.removeExpired(at(1_007))
    #expect(history.isEmpty && history.byteCount == 0 && history.nextExpiry == .never)
  }

  @Test func itHasNoHolesAndEndsWithTheLastMessage() {
    var history = history(10, 100)
    history.append(message(10), LogPosition(log: 1, offset: 1), now: .zero, available: .max)
    history.append(message(101), LogPosition(log: 1, offset: 2), now: .zero, available: .max)
    #expect(history.isEmpty, "what is too large leaves nothing in front of it")
    history.append(message(10), LogPosition(log: 1, offset: 3), now: .zero, available: .max)
    history.append(message(10), LogPosition(log: 2, offset: 1), now: .zero, available: .max)
    #expect(history.messageCount == 1, "another log")
    history.append(message(10), LogPosition(log: 2, offset: 2), now: .zero, available: 15)
    #expect(history.messageCount == 1, "the shard has no more")
    #expect(history.newest(5).map(\.isHistory) == [true])
  }

  @Test(arguments: [
    (HistoryWish.last(3), UInt64(10), 8...10 as ClosedRange<UInt64>?, true),
    (.last(0), 10, nil, true),
    (.last(.max), 2, 1...2, true),
    (.last(5), 0, nil, true),
    (.since(LogPosition(log: 1, offset: 7)), 10, 8...10, true),
    (.since(LogPosition(log: 1, offset: 10)), 10, nil, true),
    (.since(LogPosition(log: 2, offset: 7)), 10, 1...10, false),
    (.since(LogPosition(log: 1, offset: 11)), 10, 1...10, false),
    (.since(LogPosition(log: 1, offset: 9_007_199_254_740_991)), 0, nil, false),
  ]) func whatIsWanted(wish: HistoryWish, offset: UInt64, wanted: ClosedRange<UInt64>?, isSameLog: Bool) {
    let recall = Recall(wish, LogPosition(log: 1, offset: offset))
    #expect(recall.wanted == wanted)
    #expect(recall.isSameLog == isSameLog)
  }

  @Test func theNewestThatFitsAreGiven() {
    var recall = Recall(.last(5), LogPosition(log: 1, offset: 9))
    recall.messages = (0..<5).map { _ in message(10) }
    var tight = recall
    #expect(recall.fit(Window(messageCount: 9, byteCount: 100)) == RoomContinuity(wanted: 5...9, given: 5...9, isSameLog: true))
    let continuity = tight.fit(Window(messageCount: 9, byteCount: 25))
    #expect(continuity.history == 8...9 && continuity.lost == 5...7 && !continuity.isContinuous)
    #expect(tight.messages.count == 2)
    #expect(tight.fit(Window(messageCount: 0, byteCount: 25)).lost == 5...9)
  }

  // MARK: Over the wire

  private func scene(_ history: Int, ttl: UInt64 = 60_000, _ change: (inout Limits) -> Void = { _ in }) -> Scene {
    var limits = Limits()
    limits.roomRules = [
      RoomRule(
        NamePattern("lob*"),
        RoomPolicy(history: RoomPolicy.History(messageCount: history, ttlMilliseconds: ttl)))
    ]
    change(&limits)
    return Scene(limits: limits)
  }

  private func publish(_ scene: Scene, _ count: Int) {
    for number in 1...count {
      _ = scene.world.execute(
        .publish(room: "lobby", RoomEvent(event: "chat", payload: Array("\(number)".utf8))), node: number % 2)
      scene.world.settle()
    }
  }

  private func join(_ scene: Scene, node: Int, _ payload: String) -> (wire: Wire, reply: JSONValue, rest: [JSONValue]) {
    let (wire, _) = scene.join(node: node)
    _ = scene.types(wire)
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby","payload":\#(payload)}"#, wire)
    let reply = scene.hear(wire)
    var rest: [JSONValue] = []
    while case let message = scene.hear(wire), message != .null { rest.append(message) }
    return (wire, reply["payload"] ?? .null, rest)
  }

  @Test(arguments: [0, 1]) func whatWasSaidToNobodyIsKept(node: Int) {
    let scene = scene(10)
    publish(scene, 3)
    #expect(scene.world.rooms.map(\.position.offset) == [3])
    let (_, reply, rest) = join(scene, node: node, #"{"history":2}"#)
    #expect(reply["history"]?.text == #"{"from":2,"to":3}"#)
    #expect(reply["continuous"] == true && reply["lost"] == nil)
    #expect(rest.map { $0["payload"] } == [2, 3])
    #expect(rest.map { $0["history"] } == [true, true])
    #expect(rest.map { $0["seq"] } == [2, 3])
  }

  @Test func theMarkStandsInTheHeadAndTheTailIsShared() {
    let scene = scene(10)
    let (first, _) = scene.join()
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby"}"#, first)
    _ = scene.types(first)
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat","room":"lobby","payload":{"a":1}}"#, first)
    let live = first.read() ?? ""
    let (second, _) = scene.join(node: 1)
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby","payload":{"history":1}}"#, second)
    var texts: [String] = []
    while let text = second.read() { texts.append(text) }
    let start = live.range(of: #""type""#)?.lowerBound ?? live.startIndex
    #expect(texts.last == #"{"v":2,"seq":2,"ack":1,"history":true,"# + live[start...])
  }

  @Test func aHistoryLargerThanTheOutboxIsTrimmedAndMakesNoGap() {
    let scene = scene(100) { $0.outbox.messageCount = 16 }
    publish(scene, 60)
    let (wire, reply, rest) = join(scene, node: 0, #"{"since":\#(scene.world.rooms[0].position.json.text.replacing("60", with: "30"))}"#)
    #expect(reply["history"]?.text == #"{"from":50,"to":60}"#)
    #expect(reply["lost"]?.text == #"{"from":31,"to":49}"#)
    #expect(reply["continuous"] == false)
    #expect(rest.compactMap { $0["pos"]?.arrayValue?.last?.unsignedValue } == Array(50...60))
    publish(scene, 4)
    #expect(scene.types(wire) == Array(repeating: "event", count: 4), "and no gap, though nothing was acknowledged")
  }

  @Test func aRoomWithAHistoryOutlivesItsMembersForAsLongAsTheHistory() {
    let scene = scene(10, ttl: 5_000)
    let (wire, _) = scene.join()
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby"}"#, wire)
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat","room":"lobby","payload":1}"#, wire)
    scene.say(#"{"v":2,"type":"bye","payload":{}}"#, wire)
    scene.world.run(forMilliseconds: 4_999)
    #expect(scene.world.rooms.map(\.members) == [[]])
    scene.world.run(forMilliseconds: 2)
    #expect(scene.world.rooms.isEmpty)
  }

  @Test func historiesOfAShardHaveABoundTogether() {
    let scene = scene(10) { $0.historyByteCount = 150 }
    publish(scene, 5)
    let (_, reply, rest) = join(scene, node: 0, #"{"history":5}"#)
    #expect(rest.count == 1)
    #expect(reply["lost"]?.text == #"{"from":1,"to":4}"#)
  }

  @Test func theReplyThatAnnouncesIsNotParted() {
    // The session is claimed by another shard at the moment at which the reply comes: all of it moves together.
    let scene = scene(10)
    publish(scene, 3)
    let (first, welcome) = scene.join()
    scene.world.delays.link = 5_000...5_000
    scene.world.send(#"{"v":2,"seq":1,"type":"join","room":"lobby","payload":{"history":3}}"#, on: first)
    scene.world.run(forMilliseconds: 1)
    scene.drop(first)
    func text(_ key: String) -> String { welcome[key]?.stringValue ?? "" }
    let wire = scene.world.connect(node: 1)
    let resume = #""resume":{"sid":"\#(text("sid"))","token":"\#(text("token"))","epoch":"\#(text("epoch"))","ack":0}"#
    scene.say(#"{"v":2,"type":"hello","payload":{"versions":[2],\#(resume)}}"#, wire)
    scene.world.run(forMilliseconds: 100)
    #expect(scene.types(wire) == ["welcome", "reply", "event", "event", "event", "live"])
  }
}
