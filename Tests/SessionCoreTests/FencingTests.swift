import SessionCore
import Testing

/// Answers that come late, twice or not at all, and ends that are reported after a new beginning: each finds only what
/// it belongs to.
@Suite struct FencingTests {
  private let ann = Answer.authenticated(Principal(user: "ann"))

  @Test func theAuthenticatorAnswersTwice() {
    let bench = ShardBench()
    let slot = bench.hello()
    bench.answer(0, ann)
    #expect(bench.types(slot) == ["welcome", "live"])
    bench.answer(0, .refused(ProtocolError("auth.failed", "changed my mind")))
    bench.answer(0, .authenticated(Principal(user: "mallory")))
    #expect(bench.types(slot) == [] && bench.closes == [])
    #expect(bench.shard.sessions(now: bench.now).map(\.user) == ["ann"])
  }

  @Test func theAuthenticatorAnswersWhenItIsTooLate() {
    let bench = ShardBench()
    let slot = bench.hello()
    bench.advance(10_001)
    #expect(bench.closes == ["0 4000"] && bench.types(slot) == ["error"])
    bench.answer(0, ann)
    bench.closed(slot)
    bench.answer(0, ann)
    #expect(bench.shard.sessions(now: bench.now).isEmpty && bench.closes.count == 1)
  }

  @Test func theAuthenticatorAnswersForAConnectionWhosePlaceIsAnothers() {
    let bench = ShardBench()
    let first = bench.hello()
    bench.closed(first)
    let second = bench.hello()
    #expect(first.index == second.index)
    bench.answer(0, .authenticated(Principal(user: "mallory")))
    #expect(bench.types(second) == [])
    bench.answer(1, ann)
    #expect(bench.shard.sessions(now: bench.now).map(\.user) == ["ann"])
  }

  @Test func theAuthenticatorFails() {
    let bench = ShardBench()
    _ = bench.hello()
    bench.answer(0, .nothing)
    _ = bench.hello()
    bench.answer(1, .authorized)
    #expect(bench.closes == ["0 4000", "1 4000"])
  }

  /// The handler is at work when another connection wants the session: it is waited for, and its answer is replayed.
  @Test func aHandlerAnswersAfterATakeover() {
    let bench = ShardBench()
    let first = bench.enter()
    let welcome = bench.welcome(first)
    bench.say(#"{"v":2,"seq":1,"type":"event","event":"work","id":"w","payload":1}"#, first)
    let second = bench.enter(resuming: welcome)
    #expect(bench.closes == ["0 4504"] && bench.types(second) == [])
    bench.finish(0, .reply(Array("7".utf8)))
    #expect(bench.types(second) == ["welcome", "reply", "live"])
    bench.finish(0, .reply(Array("8".utf8)))
    #expect(bench.types(second) == [])
    #expect(bench.shard.sessions(now: bench.now).map(\.lastIn) == [1])
  }

  @Test func aHandlerAnswersAfterItsTime() {
    let bench = ShardBench()
    let slot = bench.enter()
    _ = bench.types(slot)
    bench.say(#"{"v":2,"seq":1,"type":"event","event":"work","id":"a","payload":1}"#, slot)
    bench.say(#"{"v":2,"seq":2,"type":"event","event":"work","id":"b","payload":1}"#, slot)
    for _ in 0..<3 {
      bench.advance(10_000)
      bench.say(#"{"v":2,"type":"pong"}"#, slot)
    }
    let late = bench.messages(slot).filter { $0["type"] == "error" }
    #expect(late.map { $0["payload"]?["code"] } == ["handler.timeout"] && late.first?["re"] == "a")
    // What it says now is not the answer to the next one.
    bench.finish(0, .reply(Array("7".utf8)))
    #expect(bench.types(slot) == [])
    bench.finish(1, .reply(Array("8".utf8)))
    #expect(bench.messages(slot).map { $0["re"] } == ["b"])
  }

  @Test func aHandlerAnswersForASessionThatHasEnded() {
    let bench = ShardBench()
    let slot = bench.enter()
    bench.say(#"{"v":2,"seq":1,"type":"event","event":"work","payload":1}"#, slot)
    bench.closed(slot)
    bench.advance(200_000)
    let next = bench.enter()
    _ = bench.types(next)
    bench.finish(0, .setState(Array("1".utf8)))
    #expect(bench.types(next) == [] && bench.shard.sessions(now: bench.now).map(\.lastIn) == [0])
  }

  @Test func theRoomAuthorizerAnswersLateAndTwice() {
    let bench = ShardBench(asksAuthorizer: true)
    let slot = bench.enter()
    _ = bench.types(slot)
    bench.say(#"{"v":2,"seq":1,"type":"join","id":"a","room":"x"}"#, slot)
    bench.advance(10_001)
    #expect(bench.messages(slot).map { $0["payload"]?["code"] } == ["room.forbidden"])
    bench.say(#"{"v":2,"seq":2,"type":"join","id":"b","room":"y"}"#, slot)
    bench.answer(1, .authorized)
    #expect(bench.types(slot) == [] && bench.shard.rooms().isEmpty)
    bench.answer(2, .authorized)
    bench.answer(2, .refused(ProtocolError("room.forbidden", "no")))
    #expect(bench.messages(slot).map { $0["re"] } == ["b"])
    #expect(bench.shard.rooms().map(\.name) == ["y"])
  }

  @Test func theRestorerAnswersLateAndTwice() {
    let bench = ShardBench(asksRestorer: true)
    let unknown: JSONValue = ["sid": "s_AAAAAAAAAAAAAAAAAAAAAA", "token": "x", "epoch": "0000000000000000"]
    let slot = bench.enter(resuming: unknown)
    bench.advance(10_001)
    #expect(bench.welcome(slot)["state"] == .null)
    bench.answer(1, .restored(state: Array("1".utf8), rooms: ["x"]))
    let second = bench.enter(resuming: unknown)
    bench.answer(3, .restored(state: Array("2".utf8), rooms: []))
    bench.answer(3, .restored(state: Array("3".utf8), rooms: ["y"]))
    #expect(bench.welcome(second)["state"] == 2)
    #expect(bench.shard.sessions(now: bench.now).count == 2 && bench.shard.rooms().isEmpty)
  }

  /// TCP says late that the old connection is gone: the session has another one and is not suspended by it.
  @Test func theEndOfAnOldConnectionIsReportedAfterTheNewOneIsThere() {
    let bench = ShardBench()
    let first = bench.enter()
    let welcome = bench.welcome(first)
    let second = bench.enter(resuming: welcome)
    bench.closed(first)
    bench.closed(first)
    #expect(bench.shard.activeSessionCount == 1 && bench.types(second) == ["welcome", "live"])
    // Nor does its place, once another connection has it, mean the old one.
    let third = bench.open()
    #expect(third.index == first.index)
    bench.closed(first)
    #expect(bench.shard.connectionCount == 2)
    #expect(bench.say(#"{"v":2,"type":"bye"}"#, first) == .stop && bench.shard.activeSessionCount == 1)
  }

  /// Who claimed the session did not wait; it is suspended like any other and ends in its time.
  @Test func aClaimWhoseConnectionIsGone() {
    let bench = ShardBench()
    let first = bench.enter()
    let welcome = bench.welcome(first)
    bench.say(#"{"v":2,"seq":1,"type":"event","event":"work","payload":1}"#, first)
    let second = bench.enter(resuming: welcome)
    bench.closed(second)
    bench.finish(0, .done)
    #expect(bench.shard.suspendedSessionCount == 1)
    let third = bench.enter(resuming: welcome)
    #expect(bench.welcome(third)["resumed"] == true)
    bench.closed(third)
    bench.advance(120_001)
    #expect(bench.shard.suspendedSessionCount == 0)
  }

  @Test func anExpiryThatWasOvertakenByAResume() {
    let bench = ShardBench()
    let first = bench.enter()
    let welcome = bench.welcome(first)
    bench.closed(first)
    bench.advance(119_999)
    let second = bench.enter(resuming: welcome)
    bench.advance(2)
    #expect(bench.shard.activeSessionCount == 1 && bench.types(second) == ["welcome", "live"])
  }
}
