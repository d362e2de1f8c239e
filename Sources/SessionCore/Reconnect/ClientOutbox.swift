import DequeModule

/// What a client has sent and not seen acknowledged, and behind it what waits to be sent. Tickets and numbers have no
/// holes, so an entry's place tells both.
struct ClientOutbox: Sendable {
  struct Entry: Sendable {
    /// The message from `"type"` on, or all of it.
    var bytes: [UInt8]
    /// Written by the application, head included: goes out as it stands.
    var isWhole: Bool
  }

  private var entries: Deque<Entry> = []
  /// Entries, from the oldest, that have a number and went out in this session.
  private(set) var sentCount = 0
  private var sentByteCount = 0
  private var queuedByteCount = 0
  /// Everything up to this number was acknowledged.
  private(set) var acked: UInt64 = 0
  /// The ticket of the oldest entry, or of the next one.
  private(set) var firstTicket: UInt64 = 1

  var lastSent: UInt64 { acked + UInt64(sentCount) }
  var queuedCount: Int { entries.count - sentCount }
  var nextTicket: UInt64 { firstTicket + UInt64(entries.count) }
  /// The lowest number that can still be sent again.
  var firstUnacked: UInt64? { sentCount > 0 ? acked + 1 : nil }

  /// Puts a message behind the others: its ticket, nil if too much waits.
  mutating func append(_ bytes: [UInt8], limit: Window) -> UInt64? {
    let room = limit.byteCount - min(queuedByteCount, limit.byteCount)
    guard queuedCount < limit.messageCount, bytes.count <= room else { return nil }
    defer { queuedByteCount += bytes.count }
    entries.append(Entry(bytes: bytes, isWhole: false))
    return nextTicket - 1
  }

  /// Takes over a message with its own head that goes out by another way and has the next number.
  mutating func appendSent(whole bytes: [UInt8]) -> UInt64 {
    precondition(queuedCount == 0, "what waits would get the same number")
    entries.append(Entry(bytes: bytes, isWhole: true))
    sentCount += 1
    sentByteCount += bytes.count
    return nextTicket - 1
  }

  /// The next message that `window` lets go, with its number. One larger than the window goes alone.
  mutating func next(_ window: Window) -> (entry: Entry, seq: UInt64)? {
    guard sentCount < entries.count, sentCount < window.messageCount else { return nil }
    let entry = entries[sentCount]
    guard sentCount == 0 || sentByteCount + entry.bytes.count <= window.byteCount else { return nil }
    sentCount += 1
    sentByteCount += entry.bytes.count
    queuedByteCount -= entry.bytes.count
    return (entry, lastSent)
  }

  /// All that went out and was not acknowledged, oldest first.
  var sent: Deque<Entry>.SubSequence { entries.prefix(sentCount) }

  /// Takes out the oldest that waits, for a session without numbers.
  mutating func takeQueued() -> (entry: Entry, ticket: UInt64)? {
    guard sentCount == 0, let entry = entries.popFirst() else { return nil }
    queuedByteCount -= entry.bytes.count
    defer { firstTicket += 1 }
    return (entry, firstTicket)
  }

  /// The server has everything up to `seq`, which was sent: the tickets that this settles.
  mutating func acknowledge(_ seq: UInt64) -> ClosedRange<UInt64>? {
    guard seq > acked, seq <= lastSent else { return nil }
    let tickets = removeSent(Int(seq - acked))
    acked = seq
    return tickets
  }

  /// Numbers begin anew: the tickets of what was under way.
  mutating func renumber() -> ClosedRange<UInt64>? {
    acked = 0
    return removeSent(sentCount)
  }

  /// Empties the queue: the tickets of what never left.
  mutating func dropQueued() -> ClosedRange<UInt64>? {
    let count = UInt64(queuedCount)
    guard count > 0, sentCount == 0 else { return nil }
    let tickets = firstTicket...firstTicket + count - 1
    entries.removeAll()
    firstTicket += count
    queuedByteCount = 0
    return tickets
  }

  private mutating func removeSent(_ count: Int) -> ClosedRange<UInt64>? {
    guard count > 0 else { return nil }
    for entry in entries.prefix(count) { sentByteCount -= entry.bytes.count }
    entries.removeFirst(count)
    sentCount -= count
    defer { firstTicket += UInt64(count) }
    return firstTicket...firstTicket + UInt64(count) - 1
  }
}
