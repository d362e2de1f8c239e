import SessionCore
import Testing

/// Who sends and leaves: what was taken is worked on all the same.
@Suite struct LeavingTests {
  private static func work(_ seq: Int) -> String {
    #"{"v":2,"seq":\#(seq),"ack":0,"type":"event","event":"work","id":"\#(seq)","payload":\#(seq)}"#
  }

  private static let bye = #"{"v":2,"type":"bye","payload":{}}"#

  /// A session that has said so many things, none of which is finished.
  private func busy(_ bench: ShardBench, saying count: Int) -> (slot: Slot, welcome: JSONValue) {
    let slot = bench.enter()
    let welcome = bench.welcome(slot)
    for seq in 1...count { bench.say(LeavingTests.work(seq), slot) }
    return (slot, welcome)
  }

  private func replies(_ messages: [JSONValue]) -> [String] {
    messages.filter { $0["type"] == "reply" }.compactMap { $0["re"]?.stringValue }
  }

  @Test func whatWaitsIsWorkedOnWithoutAConnection() {
    let bench = ShardBench()
    let (slot, welcome) = busy(bench, saying: 3)
    bench.closed(slot)
    for index in 0..<3 {
      #expect(bench.deliveries.count == index + 1)
      bench.finish(index, .reply([UInt8]("1".utf8)))
    }
    let messages = bench.messages(bench.enter(resuming: welcome))
    #expect(messages.first?["payload"]?["last_in"]?.unsignedValue == 3)
    #expect(replies(messages) == ["1", "2", "3"])
  }

  @Test func whoComesBackMeanwhileSendsTheRestAgain() {
    let bench = ShardBench()
    let (slot, welcome) = busy(bench, saying: 3)
    bench.closed(slot)
    bench.finish(0, .done)
    // At work on the second.
    let again = bench.enter(resuming: welcome)
    #expect(bench.messages(again).isEmpty)
    bench.finish(1, .done)
    #expect(bench.welcome(again)["last_in"]?.unsignedValue == 2 && bench.deliveries.count == 2)
    bench.say(LeavingTests.work(2), again)
    #expect(bench.deliveries.count == 2)
    bench.say(LeavingTests.work(3), again)
    #expect(bench.deliveries.count == 3)
    bench.finish(2, .reply([UInt8]("3".utf8)))
    #expect(replies(bench.messages(again)) == ["3"])
  }

  @Test func whoTookItAndLeftHoldsNothingUp() {
    let bench = ShardBench()
    let (slot, welcome) = busy(bench, saying: 3)
    bench.closed(slot)
    bench.closed(bench.enter(resuming: welcome))
    bench.finish(0, .done)
    bench.finish(1, .done)
    bench.finish(2, .done)
    #expect(bench.welcome(bench.enter(resuming: welcome))["last_in"]?.unsignedValue == 3)
  }

  @Test func ofVersion1Too() {
    let bench = ShardBench()
    let slot = bench.open()
    bench.say(#"{"v":1,"type":"hello","payload":{"versions":[1]}}"#, slot)
    bench.answer(0, .authenticated(Principal(user: "ann")))
    for _ in 0..<3 { bench.say(#"{"v":1,"type":"event","event":"work","payload":{}}"#, slot) }
    bench.closed(slot)
    for index in 0..<3 { bench.finish(index, .done) }
    #expect(bench.deliveries.count == 3)
  }

  /// A later request may have the same `id`.
  @Test func ofVersion1GetsNoAnswersToWhatWasSaidBefore() {
    let bench = ShardBench()
    let slot = bench.open()
    bench.say(#"{"v":1,"type":"hello","payload":{"versions":[1]}}"#, slot)
    bench.answer(0, .authenticated(Principal(user: "ann")))
    let welcome = bench.welcome(slot)
    let sid = welcome["sid"]?.stringValue ?? "", token = welcome["token"]?.stringValue ?? ""
    for id in 1...3 { bench.say(#"{"v":1,"type":"event","event":"work","id":"\#(id)","payload":{}}"#, slot) }
    bench.closed(slot)
    bench.finish(0, .reply([UInt8]("1".utf8)))
    bench.finish(1, .failure(ProtocolError("test.no", "no")))
    bench.finish(2, .done)
    let again = bench.open()
    bench.say(#"{"v":1,"type":"hello","payload":{"versions":[1],"resume":{"sid":"\#(sid)","token":"\#(token)"}}}"#, again)
    bench.answer(1, .authenticated(Principal(user: "ann")))
    let messages = bench.messages(again)
    #expect(messages.count == 1 && messages[0]["payload"]?["resumed"] == true)
    #expect(messages[0]["payload"]?["missed"]?.unsignedValue == 2)
  }

  /// Who opens sessions, fills their inboxes and leaves fills no memory with them.
  @Test func whatWaitsWithoutConnectionsIsBoundedInBytes() {
    // Each session leaves two messages behind the one that is worked on: 1,026 bytes by this account.
    let bench = ShardBench { $0.awayInboxByteCount = 2_500 }
    let left = (0..<3).map { _ in busy(bench, saying: 3) }
    for (slot, _) in left { bench.closed(slot) }
    for index in 0..<9 where index < bench.deliveries.count { bench.finish(index, .done) }
    let done = left.map { _, welcome in bench.welcome(bench.enter(resuming: welcome))["last_in"]?.unsignedValue }
    #expect(done == [3, 3, 1])
    // Nothing is in the account any more.
    let (slot, welcome) = busy(bench, saying: 3)
    bench.closed(slot)
    for index in 7..<10 { bench.finish(index, .done) }
    #expect(bench.welcome(bench.enter(resuming: welcome))["last_in"]?.unsignedValue == 3)
  }

  @Test func whatWasSaidUnderACredentialEndsWithIt() {
    let bench = ShardBench()
    let slot = bench.hello()
    bench.answer(0, .authenticated(Principal(user: "ann", validForMilliseconds: 1_000)))
    let welcome = bench.welcome(slot)
    for seq in 1...3 { bench.say(LeavingTests.work(seq), slot) }
    bench.advance(1_000)
    #expect(bench.closes == ["\(slot.index) 4200"])
    bench.finish(0, .done)
    #expect(bench.deliveries.count == 1)
    #expect(bench.welcome(bench.enter(resuming: welcome))["last_in"]?.unsignedValue == 1)
  }

  @Test func aByeEndsTheSessionWhenItIsItsTurn() {
    let bench = ShardBench()
    let (slot, _) = busy(bench, saying: 2)
    bench.say(LeavingTests.bye, slot)
    bench.closed(slot)
    #expect(bench.shard.suspendedSessionCount == 1)
    bench.finish(0, .done)
    bench.finish(1, .done)
    #expect(bench.shard.suspendedSessionCount == 0 && bench.shard.activeSessionCount == 0)
  }

  @Test func nothingHasATurnBehindABye() {
    let bench = ShardBench()
    let (slot, _) = busy(bench, saying: 1)
    bench.say(LeavingTests.bye, slot)
    bench.say(LeavingTests.work(2), slot)
    bench.finish(0, .done)
    #expect(bench.deliveries.count == 1 && bench.shard.activeSessionCount == 0)
  }

  /// Answers that nobody takes are not made without end.
  @Test func whatHasNoRoomForItsAnswerIsSentAgain() {
    let bench = ShardBench { $0.outbox.messageCount = 2 }
    let (slot, welcome) = busy(bench, saying: 4)
    bench.closed(slot)
    bench.finish(0, .reply([UInt8]("1".utf8)))
    bench.finish(1, .reply([UInt8]("2".utf8)))
    #expect(bench.deliveries.count == 2)
    let again = bench.enter(resuming: welcome)
    let messages = bench.messages(again)
    #expect(messages.first?["payload"]?["last_in"]?.unsignedValue == 2 && replies(messages) == ["1", "2"])
    bench.say(#"{"v":2,"seq":3,"ack":2,"type":"event","event":"work","id":"3","payload":3}"#, again)
    bench.finish(2, .reply([UInt8]("3".utf8)))
    #expect(replies(bench.messages(again)) == ["3"])
  }
}
