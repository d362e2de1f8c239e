/// Every message against every session entitled to it. A receiver has one number per sender of its room: the highest
/// that came. Numbers that were jumped over are kept as holes until they are filled, or judged at the end.
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
    /// The receiver's session was replaced by a new one; it is owed nothing.
    case released
  }

  private struct Receiver: Sendable {
    var session: Int
    /// Where its numbers begin in `highest`.
    var base: Int
    /// Numbers that gaps named to it.
    var gapBudget: UInt64 = 0
    var isReleased = false
    var deliveredCount: UInt64 = 0
    /// Where the last new message stood in the room's log, 0 before the first.
    var lastOffset: UInt64 = 0
  }

  package let layout: RoomLayout
  /// No sender has a higher number.
  private let maxNumber: UInt32
  private var receivers: [Receiver] = []
  private var highest: [UInt32] = []
  /// By index into `highest`; ascending.
  private var holes: [Int: [ClosedRange<UInt32>]] = [:]
  package private(set) var tally = LoadTally()
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
  }

  /// A message came.
  /// - Parameters:
  ///   - offset: where it stands in the room's log, which has one order for all; nil if the server did not say.
  ///   - at: nanoseconds, for the counterexample.
  package mutating func take(
    receiver: Int, sender: Int, number: UInt32, offset: UInt64? = nil, at: UInt64
  ) -> Finding {
    guard !receivers[receiver].isReleased else { return .released }
    let session = receivers[receiver].session
    guard 1...max(1, maxNumber) ~= number, 0..<layout.sessionCount ~= sender,
      layout.room(of: sender) == layout.room(of: session)
    else {
      tally.unexplained += 1
      note(.foreign, session, sender, number, expected: nil, at)
      return .foreign
    }
    let index = receivers[receiver].base + layout.position(of: sender)
    let last = highest[index]
    if number <= last { return takeOld(receiver, index, sender, number, at) }
    highest[index] = number
    countDelivery(receiver)
    if let offset { checkOrder(receiver, sender, number, offset, at) }
    guard number > last + 1 else { return .next }
    holes[index, default: []].append(last + 1...number - 1)
    return .early
  }

  /// What other senders said before it in the room must have come before it.
  private mutating func checkOrder(_ receiver: Int, _ sender: Int, _ number: UInt32, _ offset: UInt64, _ at: UInt64) {
    if offset <= receivers[receiver].lastOffset {
      tally.outOfOrder += 1
      note(.outOfOrder, receivers[receiver].session, sender, number, expected: nil, at)
    }
    receivers[receiver].lastOffset = max(offset, receivers[receiver].lastOffset)
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

  /// The server told the receiver that `count` messages will not come.
  package mutating func noteGap(receiver: Int, count: UInt64) {
    let (sum, overflowed) = receivers[receiver].gapBudget.addingReportingOverflow(count)
    receivers[receiver].gapBudget = overflowed ? .max : sum
  }

  /// A payload that no message of this run has.
  package mutating func noteUnreadable(receiver: Int, at: UInt64) {
    tally.unexplained += 1
    note(.foreign, receivers[receiver].session, nil, 0, expected: nil, at)
  }

  /// The receiver got a new session, which is in no room and is owed nothing. What it had is still counted.
  package mutating func release(receiver: Int) { receivers[receiver].isReleased = true }

  // MARK: The end

  /// The verdict over all receivers of this ledger.
  /// - Parameter senders: of all loops, by session.
  package func judged(_ senders: [SenderAccount]) -> LoadTally {
    var result = tally
    for receiver in receivers {
      guard !receiver.isReleased else {
        result.expected += receiver.deliveredCount
        result.delivered += receiver.deliveredCount
        continue
      }
      judge(receiver, senders, &result)
    }
    return result
  }

  private func judge(_ receiver: Receiver, _ senders: [SenderAccount], _ result: inout LoadTally) {
    let room = layout.room(of: receiver.session)
    var budget = receiver.gapBudget
    result.delivered += receiver.deliveredCount
    for position in 0..<layout.memberCount(room) {
      let session = layout.session(room: room, position: position)
      let account = senders[session]
      let index = receiver.base + position
      let last = highest[index]
      result.expected += account.owedCount
      if last > account.issued {
        // Numbers that were never given out: the bytes were changed on the way.
        result.unexplained += 1
        result.delivered -= 1
        result.note(Counterexample(.foreign, room, receiver.session, session, last, expected: account.issued, at: nil))
      }
      var missing = (holes[index] ?? []).compactMap { hole in
        hole.lowerBound > account.issued ? nil : hole.clamped(to: 1...account.issued)
      }
      if last < account.issued { missing.append(last + 1...account.issued) }
      for range in missing { judge(range, account, receiver.session, session, &budget, &result) }
    }
  }

  private func judge(
    _ missing: ClosedRange<UInt32>, _ account: SenderAccount, _ receiver: Int, _ sender: Int, _ budget: inout UInt64,
    _ result: inout LoadTally
  ) {
    // Numbers are looked at one by one: missing ones are few, or the run has failed in any case.
    for number in missing where !account.unsent.contains(number) {
      if account.unknown.contains(number) {
        result.unknown += 1
      } else if budget > 0 {
        budget -= 1
        result.gap += 1
      } else {
        let isAcknowledged = number <= account.acknowledged
        if isAcknowledged { result.lost += 1 } else { result.unexplained += 1 }
        result.note(
          Counterexample(
            isAcknowledged ? .lost : .unacknowledged, layout.room(of: sender), receiver, sender, number,
            expected: number, at: nil))
      }
    }
  }

  private mutating func note(
    _ kind: Counterexample.Kind, _ receiver: Int, _ sender: Int?, _ number: UInt32, expected: UInt32?, _ at: UInt64
  ) {
    tally.note(Counterexample(kind, layout.room(of: receiver), receiver, sender, number, expected: expected, at: at))
  }
}
