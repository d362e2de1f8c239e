import DequeModule

/// Which of a room's older messages are wanted.
package enum HistoryWish: Sendable, Equatable {
  /// The last so many.
  case last(UInt64)
  /// What came after this position.
  case since(LogPosition)
}

/// What a room said last, kept for those that come later: bounded in number, bytes and age. It has no holes and ends
/// with the room's last message, or is empty.
package struct RoomHistory {
  private struct Entry {
    /// Marked as history, and sharing its bytes with the message that the members were given.
    var message: SharedMessage
    var expires: Instant
  }

  package let bounds: RoomPolicy.History
  private var entries: Deque<Entry> = []
  package private(set) var byteCount = 0
  /// Of the last entry.
  private var position = LogPosition(log: 0, offset: 0)

  package init(_ bounds: RoomPolicy.History) { self.bounds = bounds }

  package var isEmpty: Bool { entries.isEmpty }
  package var messageCount: Int { entries.count }
  /// When the oldest is to be forgotten.
  package var nextExpiry: Instant { entries.first?.expires ?? .never }

  /// - Parameter available: bytes that the shard has left for histories, this one's included.
  package mutating func append(_ message: SharedMessage, _ position: LogPosition, now: Instant, available: Int) {
    // A log that began anew, or went on without us: what came before does not belong to it.
    if position.log != self.position.log || position.offset != self.position.offset + 1 { removeAll() }
    self.position = position
    removeExpired(now)
    let limit = min(bounds.byteCount, available)
    guard message.byteCount <= limit, bounds.messageCount > 0 else { return removeAll() }
    while byteCount + message.byteCount > limit || entries.count >= bounds.messageCount { removeFirst() }
    let expires = now.advanced(byMilliseconds: bounds.ttlMilliseconds)
    entries.append(Entry(message: SharedMessage(recalling: message), expires: expires))
    byteCount += message.byteCount
  }

  package mutating func removeExpired(_ now: Instant) {
    while let first = entries.first, first.expires <= now { removeFirst() }
  }

  private mutating func removeFirst() { if let first = entries.popFirst() { byteCount -= first.message.byteCount } }

  private mutating func removeAll() {
    entries.removeAll()
    byteCount = 0
  }

  /// The newest messages, at most `count`, of which the last is the room's last.
  package func newest(_ count: Int) -> [SharedMessage] { entries.suffix(count).map(\.message) }
}

/// What a room's home answers to a wish, before it is known how much of it the session can take.
package struct Recall: Sendable {
  /// Where the room stands: the last message's position.
  package var position: LogPosition
  /// Offsets that are wanted, nil if there are none.
  package var wanted: ClosedRange<UInt64>?
  /// Whether the wish speaks of the room's present log.
  package var isSameLog: Bool
  /// Those of them that are kept, the last one included.
  package var messages: [SharedMessage] = []

  package init(_ wish: HistoryWish, _ position: LogPosition) {
    self.position = position
    let first: UInt64
    switch wish {
    case .last(let count):
      first = position.offset - min(count, position.offset) + 1
      isSameLog = true
    case .since(let known):
      // A position that the log has not reached is none of this log.
      isSameLog = known.log == position.log && known.offset <= position.offset
      first = isSameLog ? known.offset + 1 : 1
    }
    if first <= position.offset { wanted = first...position.offset }
  }

  /// Keeps the newest that `room` has place for, and tells what that is.
  package mutating func fit(_ room: Window) -> RoomContinuity {
    var (count, byteCount) = (0, 0)
    for message in messages.reversed() {
      byteCount += message.byteCount
      guard count < room.messageCount, byteCount <= room.byteCount else { break }
      count += 1
    }
    messages.removeFirst(messages.count - count)
    let given = count > 0 ? position.offset - UInt64(count) + 1...position.offset : nil
    return RoomContinuity(wanted: wanted, given: given, isSameLog: isSameLog)
  }
}
