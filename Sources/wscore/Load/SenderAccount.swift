/// What one session sent and what it was told of it.
package struct SenderAccount: Sendable, Equatable {
  /// The highest number given out.
  package var issued: UInt32 = 0
  /// The highest number that the server acknowledged.
  package var acknowledged: UInt32 = 0
  /// How many of them were.
  package var acknowledgedCount: UInt64 = 0
  /// Sends that left and of which nobody will tell whether they were processed.
  package var unknownCount: UInt64 = 0
  /// Numbers that may be of unknown fate: those of which that was reported, and what was open when the session ended.
  package var unknown = NumberRanges()
  /// Numbers that never left the client.
  package var unsent = NumberRanges()

  package init() {}

  /// How many of its messages each receiver is owed.
  package var owedCount: UInt64 { UInt64(issued) - unsent.count }

  /// The run is over: of what is open the last ones never left, and nobody will tell whether the others were processed.
  /// - Parameter waiting: what the client holds that it has not sent.
  package mutating func close(waiting: Int) {
    guard acknowledged < issued else { return }
    let open = (acknowledged + 1...issued).filter { !unsent.contains($0) && !unknown.contains($0) }
    let sent = open.dropLast(min(waiting, open.count))
    unknownCount += UInt64(sent.count)
    unknown.formUnion(sent)
    unsent.formUnion(open.suffix(min(waiting, open.count)))
  }

  /// Numbers up to `last` that no message can have: not given out, or never sent. Of those not given out only `last`.
  func neverSent(upTo last: UInt32) -> [UInt32] {
    let unsent = unsent.ranges.flatMap { $0.filter { $0 <= last } }
    return last > issued ? unsent + [last] : unsent
  }
}

/// Ascending ranges of message numbers.
package struct NumberRanges: Sendable, Equatable {
  package private(set) var ranges: [ClosedRange<UInt32>] = []

  package init() {}

  package var isEmpty: Bool { ranges.isEmpty }
  package var count: UInt64 { ranges.reduce(0) { $0 + UInt64($1.count) } }

  package func contains(_ number: UInt32) -> Bool { ranges.hold(number) }

  /// Adds numbers that may be anywhere; they ascend.
  mutating func formUnion(_ numbers: some Sequence<UInt32>) {
    var others = NumberRanges()
    for number in numbers { others.append(number...number) }
    let all = (ranges + others.ranges).sorted { $0.lowerBound < $1.lowerBound }
    ranges = []
    for range in all { append(range) }
  }

  /// Adds numbers that are above, or next to, or within what is there already.
  package mutating func append(_ range: ClosedRange<UInt32>) {
    guard let last = ranges.last, range.lowerBound <= last.upperBound &+ 1 else {
      ranges.append(range)
      return
    }
    ranges[ranges.count - 1] = min(last.lowerBound, range.lowerBound)...max(last.upperBound, range.upperBound)
  }
}
