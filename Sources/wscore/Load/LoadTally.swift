/// The copies of all messages by what became of them: expected = delivered + lost + gap + unknown + the unexplained
/// that are missing; duplicates, disorder and foreign messages come on top.
package struct LoadTally: Sendable, Equatable {
  /// Every message for every session that was in its room.
  package var expected: UInt64 = 0
  package var delivered: UInt64 = 0
  /// Acknowledged to the sender or delivered to somebody, not delivered here, and in no gap's place.
  package var lost: UInt64 = 0
  package var duplicated: UInt64 = 0
  package var outOfOrder: UInt64 = 0
  /// Missing with no word about its fate, there without having been sent, or named by a gap and not missing.
  package var unexplained: UInt64 = 0
  /// Missing, and the server said so.
  package var gap: UInt64 = 0
  /// Missing, and the sender was told that its fate is unknown.
  package var unknown: UInt64 = 0
  /// The smallest one.
  package private(set) var counterexample: Counterexample?

  package init() {}

  package var isClean: Bool { lost == 0 && duplicated == 0 && outOfOrder == 0 && unexplained == 0 }

  package mutating func note(_ example: Counterexample) {
    guard let known = counterexample, known.rank <= example.rank else {
      counterexample = example
      return
    }
  }

  package mutating func add(_ other: LoadTally) {
    expected += other.expected
    delivered += other.delivered
    lost += other.lost
    duplicated += other.duplicated
    outOfOrder += other.outOfOrder
    unexplained += other.unexplained
    gap += other.gap
    unknown += other.unknown
    if let example = other.counterexample { note(example) }
  }
}

/// One copy of one message that went wrong.
package struct Counterexample: Sendable, Equatable {
  package enum Kind: String, Sendable {
    case lost
    case unacknowledged = "missing, never acknowledged"
    case duplicated
    case outOfOrder = "out of order"
    case foreign = "never sent"
    /// It came although a gap had said that it would not.
    case denied = "delivered inside a gap"
    case contradiction = "two messages at one position"
    case unplaced = "without a position in its room"
    case changed = "with another event, room or payload than it was sent with"
    case wrongGap = "gap of what is not missing"
    /// The server repeated a number of its own, or left one out; the client put it right.
    case repeatedSequence = "sequence number repeated"
    case sequenceHole = "sequence number left out"
  }

  package var kind: Kind
  package var room: Int
  package var receiver: Int
  /// Nil if the message does not tell.
  package var sender: Int?
  package var number: UInt32
  package var expected: UInt32?
  /// When it came, in nanoseconds of the monotonic clock; nil for what did not come.
  package var at: UInt64?

  package init(
    _ kind: Kind, _ room: Int, _ receiver: Int, _ sender: Int?, _ number: UInt32, expected: UInt32?, at: UInt64?
  ) {
    (self.kind, self.room, self.receiver, self.sender) = (kind, room, receiver, sender)
    (self.number, self.expected, self.at) = (number, expected, at)
  }

  /// Smaller is simpler to look at: early in the run, low indexes.
  fileprivate var rank: (UInt32, Int, Int, Int) { (number, room, receiver, sender ?? -1) }
}

extension LoadTally {
  /// Faults in the server's own numbering, which the client put right by dropping or by resuming.
  package mutating func noteWire(duplicates: UInt64, holes: UInt64, room: Int, receiver: Int) {
    duplicated += duplicates
    unexplained += holes
    for (kind, count) in [(Counterexample.Kind.repeatedSequence, duplicates), (.sequenceHole, holes)] where count > 0 {
      note(Counterexample(kind, room, receiver, nil, UInt32(clamping: count), expected: nil, at: nil))
    }
  }
}
