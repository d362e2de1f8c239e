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

  func relieve(sparing seq: UInt64? = nil) -> Bool { outbox.relieve(sparing: seq, limits: limits) }

  /// Reads all that comes; each number must be the next one, if `after` says what was before. Returns the last.
  func hear(after: UInt64? = nil) -> UInt64 {
    var last = after ?? 0
    while let item = outbox.next(window: window) {
      let (first, end): (UInt64, UInt64)
      switch item {
      case .message(_, let seq): (first, end) = (seq, seq)
      case .gap(let gap): (first, end) = (gap.first, gap.last)
      case .transient: continue
      }
      if after != nil { #expect(first == last + 1) }
      #expect(first <= end)
      last = end
    }
    return last
  }

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
  /// What is given up after it was sent is under way all the same.
  @Test func aFullOutboxSendsNoMoreThanTheWindow() {
    let bench = Bench()
    bench.window.messageCount = 2
    bench.add("a", "b", "c", "d", "e", "f", "g", "h")
    #expect(bench.sent() == ["gap 1-4 overflow ", "5 e", "6 f"])
    bench.add("i", "j", "k")
    #expect(bench.sent() == [])
    #expect(bench.acknowledge(5))
    #expect(bench.sent() == [])
    #expect(bench.acknowledge(6))
    #expect(bench.sent() == ["gap 7-7 overflow ", "8 h", "9 i"])
    bench.add("l", "m")
    bench.outbox.rewind()
    #expect(bench.sent() == ["gap 7-9 overflow ", "10 j", "11 k"])
  }

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

  @Test func gapsThatTouchAreOneWhicheverCameFirst() {
    let bench = Bench()
    bench.add("a", room: "x", key: "a")
    bench.add("b", room: "y", key: "b")
    bench.add("B", key: "b")
    bench.add("A", key: "a")
    #expect(bench.sent() == ["gap 1-2 conflated x,y", "3 B", "4 A"])
  }

  @Test func gapsOfDifferentReasonsStayApart() {
    let bench = Bench()
    bench.add("k1", key: "k")
    bench.add("a", "b")
    bench.add("k2", key: "k")
    bench.add("c", "d")
    #expect(bench.sent() == ["gap 1-1 conflated ", "gap 2-2 overflow ", "3 b", "4 k2", "5 c", "6 d"])
  }

  @Test func gapsDoNotGrowWithoutNumber() {
    let bench = Bench()
    for _ in 0..<10_000 {
      bench.add("k", key: "k")
      bench.add("a")
    }
    #expect(bench.outbox.gaps.count <= 70)
    #expect(bench.outbox.gaps.first?.first == 1)
    let missing = bench.outbox.gaps.reduce(0) { $0 + $1.count }
    #expect(missing + UInt64(bench.outbox.messageCount) == 20_000)
    #expect(bench.outbox.losses.conflated + bench.outbox.losses.dropped == missing)
  }

  @Test func aReceiverThatGoesBackAgainAndAgainIsToldOnce() {
    let bench = Bench()
    bench.add("a", "b", "c")
    _ = bench.sent()
    #expect(bench.acknowledge(2))
    for ack in [1, 0, 1] as [UInt64] { #expect(bench.resume(from: ack)) }
    #expect(bench.sent() == ["gap 2-2 trimmed ", "3 c"])
  }

  @Test func transientMessagesCountTheirBytes() {
    let bench = Bench()
    bench.limits.byteCount = 10
    bench.add("12345")
    #expect(bench.addTransient("1234"))
    #expect(!bench.addTransient("67"))
    bench.add("6")
    #expect(bench.outbox.heldByteCount == 10 && bench.outbox.losses.transients == 0)
    bench.add("7")
    #expect(bench.outbox.heldByteCount == 7 && bench.outbox.losses.transients == 1 && bench.outbox.droppedCount == 0)
  }

  @Test func whoIsToGiveUpGivesTransientMessagesThenTheOldest() {
    let bench = Bench()
    bench.add("r", isReply: true)
    bench.add("a", "b")
    #expect(bench.addTransient("t"))
    #expect(bench.relieve() && bench.outbox.losses.transients == 1)
    #expect(bench.relieve(sparing: 3) && bench.outbox.droppedCount == 1)
    #expect(!bench.relieve(sparing: 3))
    #expect(bench.relieve() && !bench.relieve())
    #expect(bench.sent() == ["1 r", "gap 2-3 overflow "])
  }

  /// A hundred thousand messages, the front of them replies: a step that looks at all of them would take for ever.
  @Test func aLongOutboxIsAsQuickAsAShortOne() {
    let bench = Bench()
    bench.limits = OutboxLimits(messageCount: 100_000, byteCount: 1 << 30)
    for _ in 0..<50_000 { bench.add("r", isReply: true) }
    for index in 0..<300_000 {
      bench.add("m")
      if index % 3 == 0 { bench.add("k", key: "key") }
    }
    #expect(bench.outbox.messageCount == 100_000)
    #expect(bench.outbox.lastSeq == 450_000)
    let missing = bench.outbox.gaps.reduce(0) { $0 + $1.count }
    #expect(missing == 350_000)
  }

  /// Whatever happens, every number from the oldest kept one on is in one message or one gap, in order.
  @Test(arguments: 1...40) func everyNumberIsInOnePlace(seed: UInt64) {
    var random = ChaChaGenerator(seed: seed)
    let bench = Bench()
    bench.window = Window(messageCount: 6, byteCount: 10_000)
    bench.limits = OutboxLimits(messageCount: 8, byteCount: 60, transientCount: 3)
    var heard: UInt64 = 0
    for _ in 0..<400 {
      switch random.next() % 8 {
      case 0: bench.add("r", isReply: true)
      case 1: bench.add("key message", room: "k", key: ["x", "y", "z"].randomElement(using: &random))
      case 2: _ = bench.addTransient("t")
      case 3: bench.outbox.appendLoss(count: random.next() % 3, room: "h")
      case 4: heard = max(heard, bench.hear())
      case 5: #expect(bench.acknowledge(heard > 0 ? random.next() % (heard + 1) : 0))
      case 6: if random.next() % 4 == 0 { #expect(bench.resume(from: random.next() % (heard + 1))) }
      default: bench.add("a message", room: "m")
      }
      #expect(bench.outbox.messageCount <= 8 || bench.outbox.hasReplies)
    }
    #expect(bench.resume(from: bench.outbox.ackedSeq))
    bench.window = Window(messageCount: 10_000, byteCount: 1 << 20)
    let first = bench.outbox.ackedSeq
    #expect(bench.hear(after: first) == bench.outbox.lastSeq)
  }
}
