/// What the ledger says at the end.
extension Ledger {
  /// The verdict over all receivers of this ledger.
  /// - Parameters:
  ///   - senders: of all loops, by session.
  ///   - positions: what the receivers of all loops saw.
  package func judged(_ senders: [SenderAccount], _ positions: PositionTable) -> LoadTally {
    var result = tally
    // Which message stood where is asked for only in rooms where something is missing.
    var offsets: [Int: [PositionTable.Entry: UInt64]] = [:]
    for receiver in receivers {
      guard !receiver.isReleased else {
        result.expected += receiver.deliveredCount
        result.delivered += receiver.deliveredCount
        continue
      }
      let missing = missing(to: receiver, senders, &result)
      guard !missing.isEmpty || !receiver.gaps.isEmpty else { continue }
      let room = layout.room(of: receiver.session)
      let known = offsets[room] ?? positions.offsets(room)
      offsets[room] = known
      var match = GapMatch(receiver, room, positions)
      judge(missing, receiver, senders, known, &match, &result)
      settle(match, receiver, &result)
    }
    return result
  }

  /// Messages that the receiver is owed and has not got.
  private func missing(
    to receiver: Receiver, _ senders: [SenderAccount], _ result: inout LoadTally
  ) -> [PositionTable.Entry] {
    let room = layout.room(of: receiver.session)
    var missing: [PositionTable.Entry] = []
    result.delivered += receiver.deliveredCount
    for place in 0..<layout.memberCount(room) {
      let session = layout.session(room: room, position: place)
      let account = senders[session]
      let index = receiver.base + place
      let last = highest[index]
      result.expected += account.owedCount
      let holes = holes[index] ?? []
      for number in account.neverSent(upTo: last) where !holes.contains(where: { $0.contains(number) }) {
        // It never left its sender: the bytes were changed on the way.
        result.unexplained += 1
        result.delivered -= 1
        result.note(
          Counterexample(.foreign, room, receiver.session, session, number, expected: account.issued, at: nil))
      }
      guard account.issued > 0 else { continue }
      var ranges = holes.compactMap { $0.lowerBound > account.issued ? nil : $0.clamped(to: 1...account.issued) }
      if last < account.issued { ranges.append(last + 1...account.issued) }
      // Numbers are looked at one by one: missing ones are few, or the run has failed in any case.
      for number in ranges.joined() where !account.unsent.contains(number) {
        missing.append(PositionTable.Entry(place: place, number: number))
      }
    }
    return missing
  }

  private func judge(
    _ missing: [PositionTable.Entry], _ receiver: Receiver, _ senders: [SenderAccount],
    _ known: [PositionTable.Entry: UInt64], _ match: inout GapMatch, _ result: inout LoadTally
  ) {
    let room = layout.room(of: receiver.session)
    var uncertain: UInt64 = 0
    for entry in missing {
      let sender = layout.session(room: room, position: entry.place)
      let account = senders[sender]
      if let offset = known[entry] {
        // Somebody got it, so it was processed, whatever its sender knows of it.
        guard !match.takes(offset) else { continue }
      } else if account.unknown.contains(entry.number) {
        uncertain += 1
        continue
      } else if match.takesUnseen() {
        continue
      }
      let isProcessed = known[entry] != nil || entry.number <= account.acknowledged
      if isProcessed { result.lost += 1 } else { result.unexplained += 1 }
      result.note(
        Counterexample(
          isProcessed ? .lost : .unacknowledged, room, receiver.session, sender, entry.number, expected: entry.number,
          at: nil))
    }
    // Of what nobody got and of whose fate nobody knows, a gap may have been the end.
    for _ in 0..<uncertain where !match.takesUnseen() { result.unknown += 1 }
  }

  /// A gap must not name more than is missing.
  private func settle(_ match: GapMatch, _ receiver: Receiver, _ result: inout LoadTally) {
    result.gap += match.takenCount
    guard match.leftCount > 0 else { return }
    result.unexplained += match.leftCount
    result.note(
      Counterexample(
        .wrongGap, layout.room(of: receiver.session), receiver.session, nil, UInt32(clamping: match.leftCount),
        expected: nil, at: nil))
  }
}

/// The places that gaps named to one receiver, against what it has not got.
private struct GapMatch {
  private let gaps: [ClosedRange<UInt64>]
  /// Places where somebody saw a message, and those where nobody did.
  private var seenCount: UInt64 = 0
  private var unseenCount: UInt64
  private(set) var takenCount: UInt64 = 0

  init(_ receiver: Ledger.Receiver, _ room: Int, _ positions: PositionTable) {
    gaps = receiver.gaps
    unseenCount = gaps.reduce(0) { $0 &+ ($1.upperBound - $1.lowerBound + 1) }
    seenCount = positions.seenCount(room, in: gaps)
    unseenCount -= seenCount
  }

  var leftCount: UInt64 { seenCount + unseenCount }

  mutating func takes(_ offset: UInt64) -> Bool {
    guard gaps.hold(offset), seenCount > 0 else { return false }
    seenCount -= 1
    takenCount += 1
    return true
  }

  mutating func takesUnseen() -> Bool {
    guard unseenCount > 0 else { return false }
    unseenCount -= 1
    takenCount += 1
    return true
  }
}
