import SessionCore
import Testing

/// An outbox with a transcript: what it sends, in short words.
private final class Bench {
  var outbox = Outbox()
  var limits = OutboxLimits(messageCount: 4, byteCount: 1_000, transientCount: 2)
  var window = Window(messageCount: 100, byteCount: 10_000)

  func add(_ names: String..., room: String? = nil, key: String? = nil, isReply: Bool = false) {
    for name in names {
      outbox.append(SharedMessage(tail: Array(name.utf8), room: room, key: key, isReply: isReply), limits: limits)
    }
  }

  func addTransient(_ name: String) -> Bool {
    outbox.appendTransient(SharedMessage(tail: Array(name.utf8)), limits: limits)
  }

  func acknowledge(_ seq: UInt64) -> Bool { outbox.acknowledge(seq) }
  func resume(from ack: UInt64) -> Bool { outbox.resume(from: ack) }

  func sent() -> [String] {
    var lines: [String] = []
    while let item = outbox.next(window: window) {
      switch item {
      case .message(let message, let seq): lines.append("\(seq) \(String(decoding: message.tail, as: UTF8.self))")
      case .transient(let message): lines.append("- \(String(decoding: message.tail, as: UTF8.self))")
      case .gap(let gap): lines.append("gap \(gap.first)-\(gap.last) \(gap.reason) \(gap.rooms.joined(separator: ","))")
      }
    }
    return lines
  }
}

@Suite struct OutboxTests {
  @Test func messagesAreNumberedSentOnceAndKeptUntilAcknowledged() {
    let bench = Bench()
    bench.add("a", "b", "c")
    #expect(bench.sent() == ["1 a", "2 b", "3 c"])
    #expect(bench.sent() == [])
    #expect(bench.acknowledge(2))
    #expect(bench.outbox.messageCount == 1 && bench.outbox.byteCount == 1)
    bench.add("d")
    #expect(bench.sent() == ["4 d"])
  }

  @Test func aReplayBringsTheSameNumbersAgain() {
    let bench = Bench()
    bench.add("a", "b", "c")
    _ = bench.sent()
    bench.add("d")
    #expect(bench.resume(from: 1))
    #expect(bench.outbox.replayRange == 2...4)
    #expect(bench.sent() == ["2 b", "3 c", "4 d"])
  }

  @Test func whatWasNeverSentCannotBeAcknowledged() {
    let bench = Bench()
    bench.add("a", "b")
    #expect(!bench.acknowledge(1))
    _ = bench.sent()
    #expect(!bench.acknowledge(3))
    #expect(!bench.resume(from: 3))
    #expect(bench.outbox.ackedSeq == 0 && bench.outbox.messageCount == 2)
    #expect(bench.acknowledge(2))
    #expect(bench.acknowledge(1))
    #expect(bench.outbox.ackedSeq == 2 && bench.outbox.replayRange == nil)
  }

  @Test func theOldestIsDroppedAndNamed() {
    let bench = Bench()
    bench.add("a", "b", room: "x")
    bench.add("c", room: "y")
    bench.add("d", "e", "f", "g")
    #expect(bench.outbox.messageCount == 4 && bench.outbox.droppedCount == 3)
    #expect(bench.sent() == ["gap 1-3 overflow x,y", "4 d", "5 e", "6 f", "7 g"])
    #expect(bench.acknowledge(7))
    #expect(bench.outbox.replayRange == nil)
  }

  @Test func repliesAreNeverDropped() {
    let bench = Bench()
    bench.add("r1", "r2", isReply: true)
    bench.add("a", "b", "c", "d")
    #expect(bench.sent() == ["1 r1", "2 r2", "gap 3-4 overflow ", "5 c", "6 d"])
    bench.add("r3", "r4", "r5", "r6", isReply: true)
    #expect(bench.outbox.messageCount == 6)
  }

  @Test func bytesAreBoundedToo() {
    let bench = Bench()
    bench.limits.byteCount = 10
    bench.add("12345", "67890")
    bench.add("x")
    #expect(bench.outbox.byteCount == 6)
    #expect(bench.sent() == ["gap 1-1 overflow ", "2 67890", "3 x"])
  }

  @Test func aGapThatCameAfterTheSendIsToldOnResumeOnly() {
    let bench = Bench()
    bench.add("a", "b", "c", "d")
    #expect(bench.sent() == ["1 a", "2 b", "3 c", "4 d"])
    bench.add("e")
    #expect(bench.sent() == ["5 e"])
    #expect(bench.resume(from: 0))
    #expect(bench.sent() == ["gap 1-1 overflow ", "2 b", "3 c", "4 d", "5 e"])
  }

  @Test func aGapInFrontOfTheCursorIsNotJoinedToOneBehindIt() {
    let bench = Bench()
    bench.window.messageCount = 1
    bench.add("a", "b", "c", "d")
    #expect(bench.sent() == ["1 a"])
    bench.add("e", "f")
    #expect(bench.outbox.gaps.map(\.first) == [1, 2])
    bench.window.messageCount = 100
    #expect(bench.sent() == ["gap 2-2 overflow ", "3 c", "4 d", "5 e", "6 f"])
  }

  @Test func aReceiverInsideAGapIsToldTheRestOfIt() {
    let bench = Bench()
    bench.add("a", "b", "c", "d")
    _ = bench.sent()
    bench.add("e", "f", "g")
    #expect(bench.resume(from: 2))
    #expect(bench.sent() == ["gap 3-3 overflow ", "4 d", "5 e", "6 f", "7 g"])
  }

  @Test func aReceiverThatWentBackIsToldWhatCannotComeAgain() {
    let bench = Bench()
    bench.add("a", "b", "c")
    _ = bench.sent()
    #expect(bench.acknowledge(2))
    #expect(bench.resume(from: 1))
    #expect(bench.sent() == ["gap 2-2 trimmed ", "3 c"])
  }

  @Test func theWindowBoundsWhatIsUnderWay() {
    let bench = Bench()
    bench.window = Window(messageCount: 2, byteCount: 100)
    bench.add("a", "b", "c")
    #expect(bench.sent() == ["1 a", "2 b"])
    #expect(bench.acknowledge(1))
    #expect(bench.sent() == ["3 c"])
    bench.window = Window(messageCount: 10, byteCount: 4)
    bench.add("long one", "x")
    #expect(bench.sent() == [])
    #expect(bench.acknowledge(3))
    #expect(bench.sent() == ["4 long one"])  // larger than the window, but nothing else is under way
  }

  @Test func anUnsentMessageWithTheSameKeyIsReplaced() {
    let bench = Bench()
    bench.add("p1", room: "r", key: "pos")
    #expect(bench.sent() == ["1 p1"])
    bench.add("p2", room: "r", key: "pos")
    bench.add("x")
    bench.add("p3", room: "r", key: "pos")
    #expect(bench.sent() == ["gap 2-2 conflated r", "3 x", "4 p3"])
  }

  @Test func transientMessagesKeepTheirPlaceAndGoFirst() {
    let bench = Bench()
    bench.add("a")
    #expect(bench.addTransient("t"))
    bench.add("b")
    #expect(bench.sent() == ["1 a", "- t", "2 b"])
    #expect(bench.addTransient("u"))
    #expect(bench.addTransient("v"))
    #expect(!bench.addTransient("w"))
    bench.outbox.rewind()
    #expect(bench.sent() == ["1 a", "2 b"])
    #expect(bench.addTransient("x"))
    bench.add("c", "d", "e")
    #expect(bench.sent() == ["3 c", "4 d", "5 e"])
  }
}
