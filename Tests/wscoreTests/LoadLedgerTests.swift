import SessionCore
import Testing
import wscore

@Suite struct LoadLedgerTests {
  /// Two rooms of three: sessions 0, 2, 4 and 1, 3, 5. The ledger's receivers are 0, 2 and 4.
  private static let layout = RoomLayout(sessionCount: 6, roomCount: 2)

  private static func ledger() -> Ledger { Ledger(layout: layout, sessions: [0, 2, 4], maxNumber: 100) }

  private static func accounts(issued: UInt32, acknowledged: UInt32? = nil) -> [SenderAccount] {
    (0..<6).map { session in
      var account = SenderAccount()
      guard session == 2 else { return account }
      account.issued = issued
      account.acknowledged = acknowledged ?? issued
      return account
    }
  }

  /// Session 2 sent 1…5; each receiver gets what `numbers` says.
  private static func taken(_ numbers: [[UInt32]]) -> Ledger {
    var ledger = ledger()
    for (receiver, list) in numbers.enumerated() {
      for number in list { _ = ledger.take(receiver: receiver, sender: 2, number: number, at: UInt64(number)) }
    }
    return ledger
  }

  private static let all: [UInt32] = [1, 2, 3, 4, 5]

  private static func at(_ offset: UInt64, log: UInt64 = 7) -> LogPosition { LogPosition(log: log, offset: offset) }

  private static func gap(_ count: UInt64, _ rooms: [String] = ["load.0"], complete: Bool = true) -> GapNotice {
    GapNotice(from: 2, to: count + 1, rooms: rooms, roomsAreComplete: complete, reason: "overflow")
  }

  @Test func theOrderOfTheRoomCountsToo() {
    // Sessions 0 and 2 are in one of two rooms; each sends once, and the receiver hears the later one first.
    var ledger = Ledger(layout: RoomLayout(sessionCount: 4, roomCount: 2), sessions: [0], maxNumber: 9)
    #expect(ledger.take(receiver: 0, sender: 2, number: 1, position: Self.at(8), at: 0) == .next)
    #expect(ledger.take(receiver: 0, sender: 0, number: 1, position: Self.at(7), at: 1) == .next)
    #expect(ledger.take(receiver: 0, sender: 2, number: 2, position: Self.at(9), at: 2) == .next)
    #expect(ledger.tally.outOfOrder == 1 && ledger.tally.counterexample?.kind == .outOfOrder)
  }

  /// Of one room there is one log.
  @Test func aLogOfOnesOwnIsSeen() {
    var ledger = Self.ledger()
    _ = ledger.take(receiver: 0, sender: 2, number: 1, position: Self.at(1), at: 0)
    _ = ledger.take(receiver: 1, sender: 2, number: 1, position: Self.at(1, log: 8), at: 1)
    #expect(ledger.tally.unexplained == 1 && ledger.tally.counterexample?.kind == .contradiction)
    #expect(ledger.tally.counterexample?.receiver == 2)
  }

  @Test func aRoomThatEverybodyHadLeftBeforeTheTrafficHasANewLog() {
    var ledger = Self.ledger()
    ledger.begin(receiver: 0, Self.at(5))
    ledger.begin(receiver: 0, Self.at(0, log: 8))
    ledger.begin(receiver: 1, Self.at(0, log: 8))
    for receiver in 0...1 {
      #expect(ledger.take(receiver: receiver, sender: 2, number: 1, position: Self.at(1, log: 8), at: 0) == .next)
    }
    #expect(ledger.tally.isClean)
  }

  @Test func whatComesBehindAForeignMessageIsNotAccused() {
    var ledger = Self.ledger()
    _ = ledger.take(receiver: 0, sender: 2, number: 1, position: Self.at(1), at: 0)
    #expect(ledger.take(receiver: 0, sender: 1, number: 1, position: Self.at(9, log: 8), at: 1) == .foreign)
    #expect(ledger.take(receiver: 0, sender: 2, number: 2, position: Self.at(2), at: 2) == .next)
    #expect(ledger.tally.unexplained == 1 && ledger.tally.outOfOrder == 0)
    #expect(ledger.tally.counterexample?.kind == .foreign)
  }

  @Test func whatIsOpenAtTheEndIsUnknownOrNeverLeft() {
    var account = SenderAccount()
    (account.issued, account.acknowledged) = (9, 4)
    account.unsent.append(6...6)
    account.close(waiting: 2)
    #expect(account.unknown.ranges == [5...5, 7...7] && account.unknownCount == 2)
    #expect(account.unsent.count == 3 && account.unsent.contains(8) && account.unsent.contains(9) && account.owedCount == 6)
    #expect(account.unsent.ranges == [6...6, 8...9])
    // Many are a few ranges.
    var many = SenderAccount()
    many.issued = 500_000
    many.unsent.append(400_000...400_009)
    many.close(waiting: 300_000)
    #expect(many.unknownCount == 199_990 && many.unknown.ranges == [1...199_990] && many.unsent.ranges == [199_991...500_000])
    // A join that waits is no message.
    var none = SenderAccount()
    none.close(waiting: 1)
    #expect(none.unknownCount == 0 && none.unsent.isEmpty)
  }

  @Test func allIsWell() {
    let tally = Self.taken([Self.all, Self.all, Self.all]).verdict(Self.accounts(issued: 5))
    #expect(tally.isClean && tally.expected == 15 && tally.delivered == 15 && tally.counterexample == nil)
  }

  @Test func lossInTheMiddleAndAtTheEnd() {
    let tally = Self.taken([Self.all, [1, 2, 4, 5], [1, 2, 3]]).verdict(Self.accounts(issued: 5))
    #expect(tally.lost == 3 && tally.duplicated == 0 && tally.outOfOrder == 0 && tally.unexplained == 0)
    #expect(tally.expected == 15 && tally.delivered == 12)
    let example = tally.counterexample
    #expect(example?.kind == .lost && example?.receiver == 2 && example?.sender == 2 && example?.number == 3)
  }

  @Test func duplicate() {
    let tally = Self.taken([Self.all, [1, 2, 2, 3, 4, 5], Self.all]).verdict(Self.accounts(issued: 5))
    #expect(tally.duplicated == 1 && tally.lost == 0 && tally.outOfOrder == 0 && tally.delivered == 15)
    #expect(tally.counterexample?.kind == .duplicated && tally.counterexample?.number == 2)
  }

  @Test func disorder() {
    var ledger = Self.ledger()
    #expect(ledger.take(receiver: 0, sender: 2, number: 1, at: 0) == .next)
    #expect(ledger.take(receiver: 0, sender: 2, number: 4, at: 1) == .early)
    #expect(ledger.take(receiver: 0, sender: 2, number: 3, at: 2) == .late)
    #expect(ledger.take(receiver: 0, sender: 2, number: 3, at: 3) == .duplicate)
    #expect(ledger.take(receiver: 0, sender: 2, number: 2, at: 4) == .late)
    #expect(ledger.take(receiver: 0, sender: 2, number: 5, at: 5) == .next)
    #expect(ledger.tally.outOfOrder == 2 && ledger.tally.duplicated == 1 && ledger.deliveredCount == 5)
  }

  @Test func aPayloadSwappedForAnEarlierOne() {
    let tally = Self.taken([Self.all, [1, 2, 2, 4, 5], Self.all]).verdict(Self.accounts(issued: 5))
    #expect(tally.duplicated == 1 && tally.lost == 1 && tally.delivered == 14)
  }

  @Test func gapsExplainAsManyAsTheyName() {
    var ledger = Self.taken([Self.all, [1, 5], [5]])
    ledger.noteGap(receiver: 1, Self.gap(3), at: 0)
    ledger.noteGap(receiver: 2, Self.gap(3), at: 0)
    let tally = ledger.verdict(Self.accounts(issued: 5))
    #expect(tally.gap == 6 && tally.lost == 1 && tally.delivered == 8)
  }

  @Test func fatesOfSends() {
    var accounts = Self.accounts(issued: 5, acknowledged: 2)
    accounts[2].unsent.append(3...3)
    accounts[2].unknown.append(4...4)
    let tally = Self.taken([[1, 2], [1, 2, 4], [1]]).verdict(accounts)
    #expect(tally.expected == 12 && tally.delivered == 6)
    #expect(tally.unknown == 2 && tally.lost == 1 && tally.unexplained == 3)
  }

  @Test func foreignMessages() {
    var ledger = Self.ledger()
    #expect(ledger.take(receiver: 0, sender: 3, number: 1, at: 0) == .foreign)
    #expect(ledger.take(receiver: 0, sender: 6, number: 1, at: 0) == .foreign)
    #expect(ledger.take(receiver: 0, sender: 2, number: 0, at: 0) == .foreign)
    #expect(ledger.take(receiver: 0, sender: 2, number: .max, at: 0) == .foreign)
    #expect(ledger.take(receiver: 0, sender: 2, number: 9, at: 0) == .early)
    let tally = ledger.verdict(Self.accounts(issued: 0))
    #expect(tally.unexplained == 5 && tally.delivered == 0 && tally.expected == 0)
  }

  @Test func aNewSessionIsOwedNothing() {
    var ledger = Self.taken([Self.all, [1, 2], Self.all])
    ledger.release(receiver: 1)
    #expect(ledger.take(receiver: 1, sender: 2, number: 5, at: 0) == .released)
    let tally = ledger.verdict(Self.accounts(issued: 5))
    #expect(tally.isClean && tally.expected == 12 && tally.delivered == 12)
  }

  @Test func wireFaultsCount() {
    var tally = LoadTally()
    tally.noteWire(duplicates: 0, holes: 0, room: 0, receiver: 0)
    #expect(tally.isClean && tally.counterexample == nil)
    tally.noteWire(duplicates: 2, holes: 1, room: 0, receiver: 0)
    #expect(tally.duplicated == 2 && tally.unexplained == 1 && tally.counterexample?.kind == .sequenceHole)
  }

  @Test func ranges() {
    var ranges = NumberRanges()
    for range in [2...3, 4...4, 6...9, 8...10] as [ClosedRange<UInt32>] { ranges.append(range) }
    #expect(ranges.ranges == [2...4, 6...10] && ranges.count == 8)
    #expect(ranges.contains(4) && !ranges.contains(5))
  }
}
