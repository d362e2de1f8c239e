import SessionCore
import Testing

/// Work and memory that clients could make grow: found by attacking a running server.
@Suite struct WorkBoundTests {
  @Test func timersOfWhoHasLeftAreLetGoOf() {
    let bench = ShardBench()
    for _ in 0..<10_000 {
      let slot = bench.hello()
      bench.answer(bench.questions.count - 1, .authenticated(Principal(user: "ann", validForMilliseconds: 30 * 86_400_000)))
      bench.say(#"{"v":2,"type":"bye","payload":{}}"#, slot)
      bench.closed(slot)
    }
    // One a month away would have stayed of each, and one for its `hello`.
    #expect(bench.shard.timerCount < 5_000)
  }

  @Test func manySessionsEndInManySteps() {
    let bench = ShardBench { $0.sessionTTLMilliseconds = 1_000 }
    for _ in 0..<100 { bench.closed(bench.enter()) }
    var now = bench.now
    var steps = 0
    var endings: [Int] = []
    while bench.shard.suspendedSessionCount > 0, steps < 100 {
      now = max(now, bench.shard.nextDeadline)
      let before = bench.shard.suspendedSessionCount
      var effects: Effects = []
      bench.shard.advance(now: now, effects: &effects)
      if bench.shard.suspendedSessionCount < before { endings.append(before - bench.shard.suspendedSessionCount) }
      steps += 1
    }
    #expect(endings == [32, 32, 32, 4])
  }

  /// What is sent to a session while a connection claims it waits for the claim, as much of it as an outbox holds.
  @Test func mailForAClaimedSessionIsBoundedInBytes() {
    let bench = ShardBench { $0.outbox.byteCount = 100_000 }
    let first = bench.enter()
    let welcome = bench.welcome(first)
    let sid = welcome["sid"]?.stringValue.flatMap { SessionID($0) } ?? SessionID(high: 0, low: 0)
    // At work, so that the claim waits.
    bench.say(#"{"v":2,"seq":1,"ack":0,"type":"event","event":"work","payload":{}}"#, first)
    let second = bench.enter(resuming: welcome)
    let payload = Array(("\"" + String(repeating: "x", count: 9_900) + "\"").utf8)
    for number in 1...50 {
      var effects: Effects = []
      bench.shard.execute(
        .send(.session(sid), event: "mail", eventVersion: 1, payload: payload), token: CommandToken(UInt64(number)), now: bench.now,
        effects: &effects)
    }
    bench.finish(0, .done)
    let messages = bench.messages(second)
    #expect(messages.first?["type"] == "welcome")
    #expect(messages.filter { $0["event"] == "mail" }.count == 10)
    let lost = messages.filter { $0["type"] == "gap" }.compactMap { $0["payload"]?["count"]?.unsignedValue }
    #expect(lost.reduce(0, +) == 40)
  }

  @Test func aHelloThatIsTooLongIsNoHello() {
    let bench = ShardBench { $0.roomsPerSession = 1 }
    func hello(byteCount: Int) -> String {
      let start = #"{"v":2,"type":"hello","payload":{"versions":[2],"x":""#
      return start + String(repeating: "x", count: byteCount - start.utf8.count - 3) + "\"}}"
    }
    bench.say(hello(byteCount: 66_048), bench.open())
    #expect(bench.questions.count == 1)
    let slot = bench.open()
    bench.say(hello(byteCount: 66_049), slot)
    #expect(bench.questions.count == 1)
    #expect(bench.messages(slot).first?["payload"]?["code"] == "hello.invalid")
  }
}
