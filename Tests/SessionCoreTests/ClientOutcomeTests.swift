import SessionCore
import Testing

/// What becomes of a client's sends, told for each exactly once: PROTOCOL.md, "Outcomes".
@Suite struct ClientOutcomeTests {
  private static let other = "00000000000000bb"

  /// Two sends under way and one that waits for the window of two.
  private static func underWay() -> ClientBench {
    let bench = ClientBench()
    bench.start()
    for payload in ["10", "20", "30"] { bench.send(payload) }
    _ = bench.take()
    return bench
  }

  private static func again(_ bench: ClientBench, _ welcome: String, sid: String = "s_1", epoch: String) -> [String] {
    bench.close()
    bench.open()
    _ = bench.take()
    bench.welcome(welcome, sid: sid, epoch: epoch)
    return bench.take()
  }

  private static func outcomes(_ actions: [String]) -> [String] {
    actions.filter { action in ["acked", "delivered", "unknown", "notSent", "sent"].contains { action.hasSuffix(" \($0)") } }
  }

  @Test(arguments: ["unknown", "expired", "ended", "state_lost", "epoch", "principal", "token", "replaced"])
  func withoutALastWordAllAreUnknown(reason: String) {
    let bench = Self.underWay()
    let actions = Self.again(bench, #""resumed":false,"reason":"\#(reason)","last_in":0"#, sid: "s_2", epoch: Self.other)
    #expect(Self.outcomes(actions) == ["1-2 unknown"])
    #expect(bench.session.counters.unknown == 2)
  }

  @Test func whatIsUnknownIsNeverSentAgain() {
    let bench = Self.underWay()
    var sent = Self.again(bench, #""resumed":false,"reason":"unknown","last_in":0"#, sid: "s_2", epoch: Self.other)
    // The one that never left goes out as the first of the new session; it is sent again like others.
    sent += Self.again(bench, #""resumed":true,"last_in":0"#, sid: "s_2", epoch: Self.other)
    sent += Self.again(bench, #""resumed":true,"last_in":1"#, sid: "s_2", epoch: Self.other)
    #expect(!sent.contains { $0.contains(#""payload":10"#) || $0.contains(#""payload":20"#) })
    #expect(sent.filter { $0.contains(#"{"v":2,"seq":1,"ack":0,"type":"event","event":"e","payload":30}"#) }.count == 2)
    #expect(Self.outcomes(sent) == ["1-2 unknown", "3-3 acked"])
  }

  @Test(arguments: [
    (0, ["1-2 unknown"]), (1, ["1-1 delivered", "2-2 unknown"]), (2, ["1-2 delivered"]), (9, ["1-2 delivered"]),
  ])
  func theLastWordSettlesWhatItNames(lastIn: Int, expected: [String]) {
    let bench = Self.underWay()
    let actions = Self.again(
      bench, #""resumed":false,"reason":"expired","last_in":0,"lost":{"last_in":\#(lastIn)}"#, sid: "s_2",
      epoch: Self.other)
    #expect(Self.outcomes(actions) == expected)
  }

  @Test func anAcknowledgedSendIsNotSettledAgain() {
    let bench = Self.underWay()
    bench.hear(#"{"v":2,"ack":1,"type":"ack","payload":{}}"#)
    #expect(Self.outcomes(bench.take()) == ["1-1 acked"])
    let actions = Self.again(
      bench, #""resumed":false,"reason":"expired","last_in":0,"lost":{"last_in":2}"#, sid: "s_2", epoch: Self.other)
    #expect(Self.outcomes(actions) == ["2-2 delivered", "3-3 unknown"])
  }

  @Test func anotherEpochLeavesAllUnknown() {
    let bench = Self.underWay()
    let actions = Self.again(bench, #""resumed":true,"rebuilt":true,"last_in":0"#, epoch: Self.other)
    #expect(Self.outcomes(actions) == ["1-2 unknown"])
  }

  @Test func firstUnackedIsTheLowestThatIsHeld() {
    let bench = Self.underWay()
    bench.hear(#"{"v":2,"ack":1,"type":"ack","payload":{}}"#)
    bench.close()
    bench.open()
    #expect(bench.take().last?.hasSuffix(#""ack":0,"first_unacked":2}}}"#) == true)
  }

  @Test func withNothingHeldThereIsNoFirstUnacked() {
    let bench = ClientBench()
    bench.start()
    bench.send()
    bench.hear(#"{"v":2,"ack":1,"type":"ack","payload":{}}"#)
    bench.close()
    bench.open()
    #expect(bench.take().last?.contains("first_unacked") == false)
  }

  @Test func numbersThatTheServerSkippedAreUnknown() {
    let bench = Self.underWay()
    let actions = Self.again(
      bench, #""resumed":true,"last_in":2,"skipped":{"from":2,"to":2}"#, epoch: ClientBench.epoch)
    #expect(Self.outcomes(actions) == ["1-1 acked", "2-2 unknown"])
    #expect(actions.contains { $0.hasPrefix(#"{"v":2,"seq":3,"#) && $0.hasSuffix(#""payload":30}"#) })
  }

  @Test func skippedNumbersThatWereAcknowledgedAreLeftAlone() {
    let bench = Self.underWay()
    bench.hear(#"{"v":2,"ack":2,"type":"ack","payload":{}}"#)
    _ = bench.take()
    let actions = Self.again(
      bench, #""resumed":true,"last_in":2,"skipped":{"from":0,"to":2}"#, epoch: ClientBench.epoch)
    #expect(Self.outcomes(actions).isEmpty)
  }

  @Test func aSessionThatIsGivenUpSettlesEverything() {
    let bench = Self.underWay()
    bench.bye()
    bench.close()
    #expect(Self.outcomes(bench.take()) == ["1-2 unknown", "3-3 notSent"])
    #expect(bench.session.counters.unknown == 2)
  }

  @Test func aDropAloneSettlesNothing() {
    let bench = Self.underWay()
    for _ in 0..<3 {
      bench.close()
      bench.open()
    }
    #expect(Self.outcomes(bench.take()).isEmpty && bench.session.firstOpenTicket == 1)
  }
}
