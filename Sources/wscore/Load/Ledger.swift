import SessionCore

/// Every message against every session entitled to it. A receiver has one number per sender of its room: the highest
/// that came. Numbers that were jumped over are kept as holes until they are filled, or judged at the end: each must
/// then stand, in the room's log, where a gap was announced to this receiver, and each place of a gap must be such a
/// hole.
///
/// It must be used from one place at a time; each loop keeps one for its own receivers.
package struct Ledger: Sendable {
  /// What a message was to its receiver.
  package enum Finding: Sendable, Equatable {
    case next
    /// The next one, and numbers before it are still missing.
    case early
    /// It fills a hole: out of order.
    case late
    case duplicate
    /// Nobody in this room can have sent it.
    case foreign
    /// A gap has said that it would not come.
    case denied
    /// The receiver's session was replaced by a new one; it is owed nothing.
    case released
  }

  struct Receiver: Sendable {
    var session: Int
    /// Where its numbers begin in `highest`.
    var base: Int
    var isReleased = false
    var deliveredCount: UInt64 = 0
    /// The room's log, nil until it is known.
    var log: UInt64?
    /// Where the last message that came, or that a gap named, stands in the log; 0 before the first.
    var lastOffset: UInt64 = 0
    /// What gaps named, by offsets of the log; ascending.
    var gaps: [ClosedRange<UInt64>] = []
  }

  package let layout: RoomLayout
  /// No sender has a higher number.
  private let maxNumber: UInt32
  private(set) var receivers: [Receiver] = []
  private(set) var highest: [UInt32] = []
  /// By index into `highest`; ascending.
  private(set) var holes: [Int: [ClosedRange<UInt32>]] = [:]
  package private(set) var tally = LoadTally()
  /// What this loop's receivers saw where.
  package private(set) var positions: PositionTable
  /// Copies that gaps named.
  package private(set) var gapCount: UInt64 = 0
  /// Copies that came once or for the first time.
  package private(set) var deliveredCount: UInt64 = 0

  /// - Parameters:
  ///   - sessions: the receivers; they are named by their positions in this list from here on.
  ///   - maxNumber: the highest number that any sender can reach.
  package init(layout: RoomLayout, sessions: [Int], maxNumber: UInt32) {
    self.layout = layout
    self.maxNumber = maxNumber
    var count = 0
    for session in sessions {
      receivers.append(Receiver(session: session, base: count))
      count += layout.memberCount(layout.room(of: session))
    }
    highest = Array(repeating: 0, count: count)
    positions = PositionTable(roomCount: layout.roomCount, limit: Int(maxNumber) + Ledger.foreignCount)
  }

  /// Messages of others in one room that still have their place in the table.
  private static let foreignCount = 65_536

  /// The receiver is in the room: what stands behind `position` is for it.
  package mutating func begin(receiver: Int, _ position: LogPosition) {
    (receivers[receiver].log, receivers[receiver].lastOffset) = (position.log, position.offset)
    positions.begin(layout.room(of: receivers[receiver].session), position)
  }

  /// A message came.
  /// - Parameters:
  ///   - position: where it stands in the room's log, which has one order for all; nil if the server did not say.
  ///   - at: nanoseconds, for the counterexample.
  package mutating func take(
    receiver: Int, sender: Int, number: UInt32, position: LogPosition? = nil, at: UInt64
  ) -> Finding {
    guard !receivers[receiver].isReleased else { return .released }
    let session = receivers[receiver].session
    let isDenied = position.map { receivers[receiver].gaps.hold($0.offset) } ?? false
    guard 1...max(1, maxNumber) ~= number, 0..<layout.sessionCount ~= sender,
      layout.room(of: sender) == layout.room(of: session)
    else {
      tally.unexplained += 1
      note(.foreign, session, sender, number, expected: nil, at)
      return .foreign
    }
    // What is foreign stands in another room's log.
    defer { if let position { pass(receiver, position) } }
    guard !isDenied else {
      tally.unexplained += 1
      note(.denied, session, sender, number, expected: nil, at)
      return .denied
    }
    let index = receivers[receiver].base + layout.position(of: sender)
    let last = highest[index]
    if number <= last { return takeOld(receiver, index, sender, number, at) }
    if let position { place(receiver, position, sender, number, at) }
    highest[index] = number
    countDelivery(receiver)
    guard number > last + 1 else { return .next }
    holes[index, default: []].append(last + 1...number - 1)
    return .early
  }

  /// What other senders said before it in the room must have come before it, and it is the same for all.
  private mutating func place(
    _ receiver: Int, _ position: LogPosition, _ sender: Int, _ number: UInt32, _ at: UInt64
  ) {
    let session = receivers[receiver].session
    let isSameLog = receivers[receiver].log ?? position.log == position.log
    if !isSameLog || position.offset <= receivers[receiver].lastOffset {
      tally.outOfOrder += 1
      note(.outOfOrder, session, sender, number, expected: nil, at)
    }
    let entry = PositionTable.Entry(place: layout.position(of: sender), number: number)
    guard !positions.note(layout.room(of: session), position, entry) else { return }
    tally.unexplained += 1
    note(.contradiction, session, sender, number, expected: nil, at)
  }

  private mutating func pass(_ receiver: Int, _ position: LogPosition) {
    receivers[receiver].log = position.log
    receivers[receiver].lastOffset = max(position.offset, receivers[receiver].lastOffset)
  }

  private mutating func takeOld(
    _ receiver: Int, _ index: Int, _ sender: Int, _ number: UInt32, _ at: UInt64
  ) -> Finding {
    let session = receivers[receiver].session
    if fillHole(index, number) {
      tally.outOfOrder += 1
      countDelivery(receiver)
      note(.outOfOrder, session, sender, number, expected: highest[index] + 1, at)
      return .late
    }
    tally.duplicated += 1
    note(.duplicated, session, sender, number, expected: highest[index] + 1, at)
    return .duplicate
  }

  private mutating func countDelivery(_ receiver: Int) {
    receivers[receiver].deliveredCount += 1
    deliveredCount += 1
  }

  private mutating func fillHole(_ index: Int, _ number: UInt32) -> Bool {
    guard var ranges = holes[index], let place = ranges.firstIndex(where: { $0.contains(number) }) else { return false }
    let range = ranges.remove(at: place)
    if number < range.upperBound { ranges.insert(number + 1...range.upperBound, at: place) }
    if number > range.lowerBound { ranges.insert(range.lowerBound...number - 1, at: place) }
    holes[index] = ranges.isEmpty ? nil : ranges
    return true
  }

  /// The server told the receiver that messages will not come. They are those that would have come next: a session of
  /// a run has nothing but its room's messages that may be dropped.
  package mutating func noteGap(receiver: Int, _ gap: GapNotice, at: UInt64) {
    let room = layout.name(layout.room(of: receivers[receiver].session))
    if !gap.rooms.allSatisfy({ $0 == room }) || (gap.roomsAreComplete && gap.rooms.isEmpty) {
      tally.unexplained += 1
      note(.wrongGap, receivers[receiver].session, nil, UInt32(clamping: gap.count), expected: nil, at)
    }
    let first = receivers[receiver].lastOffset + 1
    let (last, overflowed) = first.addingReportingOverflow(gap.count - 1)
    receivers[receiver].lastOffset = overflowed ? .max - 1 : last
    receivers[receiver].gaps.append(first...receivers[receiver].lastOffset)
    gapCount += min(gap.count, UInt64(UInt32.max))
  }

  /// What is wrong with a message besides its coming: it is taken all the same.
  package mutating func note(_ kind: Counterexample.Kind, receiver: Int, sender: Int, number: UInt32, at: UInt64) {
    tally.unexplained += 1
    note(kind, receivers[receiver].session, sender, number, expected: nil, at)
  }

  /// A payload that no message of this run has.
  package mutating func noteUnreadable(receiver: Int, at: UInt64) {
    tally.unexplained += 1
    note(.foreign, receivers[receiver].session, nil, 0, expected: nil, at)
  }

  /// The receiver got a new session, which is in no room and is owed nothing. What it had is still counted.
  package mutating func release(receiver: Int) { receivers[receiver].isReleased = true }

  private mutating func note(
    _ kind: Counterexample.Kind, _ receiver: Int, _ sender: Int?, _ number: UInt32, expected: UInt32?, _ at: UInt64
  ) {
    tally.note(Counterexample(kind, layout.room(of: receiver), receiver, sender, number, expected: expected, at: at))
  }
}

extension Array {
  /// Whether one of the ascending ranges holds it.
  func hold<Number>(_ number: Number) -> Bool where Element == ClosedRange<Number> {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = (low + high) / 2
      if self[middle].upperBound < number { low = middle + 1 } else { high = middle }
    }
    return low < endIndex && self[low].contains(number)
  }
}
