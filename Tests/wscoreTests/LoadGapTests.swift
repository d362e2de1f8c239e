import SessionCore
import Testing
import wscore

extension Ledger {
  /// The verdict where all receivers are on one loop.
  func verdict(_ senders: [SenderAccount]) -> LoadTally { judged(senders, positions) }
}

/// Gaps against what is really missing: one room of three, sessions 0, 1 and 2. Session 0 sends 1, 2, 3, …, which stand
/// at the offsets 11, 12, 13, … of the log.
@Suite struct LoadGapTests {
  private static let layout = RoomLayout(sessionCount: 3, roomCount: 1)
  private static let start = LogPosition(log: 7, offset: 10)

  private enum Step {
    case message(UInt32)
    /// At another place than its own.
    case misplaced(UInt32, UInt64)
    case gap(UInt64, rooms: [String] = ["load.0"])
  }

  private static func ledger(_ receivers: [[Step]], sessions: [Int] = [0, 1, 2]) -> Ledger {
    var ledger = Ledger(layout: layout, sessions: sessions, maxNumber: 100)
    for receiver in sessions.indices { ledger.begin(receiver: receiver, start) }
    for (receiver, steps) in receivers.enumerated() {
      for step in steps {
        switch step {
        case .message(let number): take(&ledger, receiver, number, 10 + UInt64(number))
        case .misplaced(let number, let offset): take(&ledger, receiver, number, offset)
        case .gap(let count, let rooms):
          let notice = GapNotice(from: 2, to: count + 1, rooms: rooms, roomsAreComplete: true, reason: "overflow")
          ledger.noteGap(receiver: receiver, notice, at: 0)
        }
      }
    }
    return ledger
  }

  private static func take(_ ledger: inout Ledger, _ receiver: Int, _ number: UInt32, _ offset: UInt64) {
    _ = ledger.take(
      receiver: receiver, sender: 0, number: number, position: LogPosition(log: 7, offset: offset), at: 0)
  }

  private static func accounts(issued: UInt32, acknowledged: UInt32? = nil) -> [SenderAccount] {
    var account = SenderAccount()
    (account.issued, account.acknowledged) = (issued, acknowledged ?? issued)
    return [account, SenderAccount(), SenderAccount()]
  }

  private static func messages(_ numbers: ClosedRange<UInt32>) -> [Step] { numbers.map { .message($0) } }

  private static let all = messages(1...5)

  @Test func aGapOfWhatIsMissing() {
    let tally = Self.ledger([Self.all, [.message(1), .gap(3), .message(5)], [.gap(5)]]).verdict(Self.accounts(issued: 5))
    #expect(tally.isClean && tally.gap == 8 && tally.delivered == 7 && tally.expected == 15)
  }

  @Test func aGapAtAnotherPlaceExplainsNothing() {
    // 2 is missing, and the gap came in front of 5, where 4 was: 4 came all the same, at a place behind.
    let tally = Self.ledger([
      Self.all, [.message(1), .message(3), .message(4), .gap(1), .misplaced(5, 16)], Self.all,
    ]).verdict(Self.accounts(issued: 5))
    #expect(tally.lost == 1 && tally.gap == 0 && !tally.isClean)
    #expect(tally.unexplained > 0)
  }

  @Test func aGapOfMoreThanIsMissing() {
    let tally = Self.ledger([Self.all, Self.messages(1...5) + [.gap(2)], Self.all]).verdict(Self.accounts(issued: 5))
    #expect(tally.unexplained == 2 && tally.lost == 0 && tally.counterexample?.kind == .wrongGap)
  }

  @Test func aGapOfLessThanIsMissing() {
    let tally = Self.ledger([Self.all, [.message(1), .gap(2), .misplaced(5, 15)], Self.all])
      .verdict(Self.accounts(issued: 5))
    #expect(tally.gap == 2 && tally.lost == 1 && tally.counterexample?.number == 4)
  }

  @Test func whatCameInsideAGap() {
    let tally = Self.ledger([Self.all, [.message(1), .gap(3), .message(3), .message(5)], Self.all])
      .verdict(Self.accounts(issued: 5))
    #expect(tally.unexplained == 1 && tally.counterexample?.kind == .denied)
    #expect(tally.gap == 3 && tally.delivered == 12)
  }

  @Test func aGapOfAnotherRoom() {
    for rooms in [["load.1"], ["load.0", "load.1"], []] {
      let tally = Self.ledger([Self.all, [.message(1), .gap(3, rooms: rooms), .message(5)], Self.all])
        .verdict(Self.accounts(issued: 5))
      #expect(tally.unexplained == 1 && tally.counterexample?.kind == .wrongGap)
    }
  }

  @Test func whatNobodyGot() {
    // All three miss 2…4, and each was told of three.
    let steps: [Step] = [.message(1), .gap(3), .message(5)]
    let tally = Self.ledger([steps, steps, steps]).verdict(Self.accounts(issued: 5))
    #expect(tally.isClean && tally.gap == 9)
    // One was told of none.
    let other = Self.ledger([steps, steps, [.message(1), .message(5)]]).verdict(Self.accounts(issued: 5))
    #expect(other.lost == 3 && other.gap == 6)
  }

  @Test func unknownToItsSenderAndDeliveredToSome() {
    // 5 got through: then every member must have it.
    var accounts = Self.accounts(issued: 5, acknowledged: 4)
    accounts[0].unknown.append(5...5)
    let tally = Self.ledger([Self.all, Self.messages(1...4), Self.all]).verdict(accounts)
    #expect(tally.lost == 1 && tally.unknown == 0 && tally.counterexample?.number == 5)
    let explained = Self.ledger([Self.all, Self.messages(1...4) + [.gap(1)], Self.all]).verdict(accounts)
    #expect(explained.isClean && explained.gap == 1)
  }

  @Test func unknownToItsSenderAndDeliveredToNobody() {
    var accounts = Self.accounts(issued: 5, acknowledged: 4)
    accounts[0].unknown.append(5...5)
    let some = Self.messages(1...4)
    let tally = Self.ledger([some, some, some]).verdict(accounts)
    #expect(tally.isClean && tally.unknown == 3)
    // It was processed, and all that were to get it were told that they would not.
    let gapped = Self.ledger([some + [.gap(1)], some + [.gap(1)], some + [.gap(1)]]).verdict(accounts)
    #expect(gapped.isClean && gapped.gap == 3 && gapped.unknown == 0)
  }

  @Test func deliveredAndReportedAsNeverSent() {
    var accounts = Self.accounts(issued: 5)
    accounts[0].unsent.append(4...5)
    let tally = Self.ledger([Self.all, Self.messages(1...3), Self.messages(1...3)]).verdict(accounts)
    #expect(tally.unexplained == 2 && tally.expected == 9 && tally.delivered == 9)
  }

  @Test func twoMessagesAtOnePosition() {
    let tally = Self.ledger([Self.all, Self.all, Self.messages(1...4) + [.misplaced(6, 15)]])
      .verdict(Self.accounts(issued: 6))
    #expect(tally.unexplained >= 1 && tally.counterexample != nil)
  }

  @Test func anotherLog() {
    var ledger = Self.ledger([Self.all, Self.messages(1...4), Self.all])
    _ = ledger.take(receiver: 1, sender: 0, number: 5, position: LogPosition(log: 8, offset: 15), at: 0)
    #expect(ledger.verdict(Self.accounts(issued: 5)).outOfOrder == 1)
  }

  @Test func loopsAreMerged() {
    let one = Self.ledger([Self.all], sessions: [0])
    let two = Self.ledger([[.message(1), .gap(3), .message(5)], [.gap(4), .message(5)]], sessions: [1, 2])
    var positions = one.positions
    #expect(positions.merge(two.positions).isEmpty)
    let accounts = Self.accounts(issued: 5)
    var tally = one.judged(accounts, positions)
    tally.add(two.judged(accounts, positions))
    #expect(tally.isClean && tally.gap == 7 && tally.delivered == 8)
    // Another message at an offset is found here too.
    var liar = Self.ledger([[.misplaced(3, 12)]], sessions: [1])
    liar.begin(receiver: 0, Self.start)
    let contradictions = positions.merge(liar.positions)
    #expect(contradictions.count == 1 && contradictions[0].1 == PositionTable.Entry(place: 0, number: 3))
  }

  @Test func offsetsThatLie() {
    var ledger = Self.ledger([[], [], []])
    for offset: UInt64 in [0, 1, 1 << 40, 9_007_199_254_740_991] {
      _ = ledger.take(receiver: 0, sender: 0, number: 1, position: LogPosition(log: 7, offset: offset), at: 0)
    }
    let gap = GapNotice(from: 1, to: 9_007_199_254_740_991, rooms: ["load.0"], roomsAreComplete: true, reason: "overflow")
    for _ in 0..<3 { ledger.noteGap(receiver: 0, gap, at: 0) }
    #expect(!ledger.verdict(Self.accounts(issued: 1)).isClean)
  }
}
