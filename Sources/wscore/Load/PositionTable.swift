import SessionCore

/// Which message stands where in the logs of the rooms, as the receivers saw it: what one of them missed, the others
/// can name.
package struct PositionTable: Sendable {
  /// One message of a room: the sender's place among the members, and its number.
  package struct Entry: Hashable, Sendable {
    package var place: Int
    package var number: UInt32

    package init(place: Int, number: UInt32) { (self.place, self.number) = (place, number) }

    fileprivate init?(packed: UInt64) {
      guard packed != 0 else { return nil }
      self.init(place: Int(packed >> 32), number: UInt32(truncatingIfNeeded: packed))
    }

    /// Never 0: numbers begin at 1.
    fileprivate var packed: UInt64 { UInt64(place) << 32 | UInt64(number) }
  }

  private struct Room: Sendable {
    /// The log's id; nil until somebody was in the room.
    var log: UInt64?
    /// The offset of the first entry.
    var base: UInt64 = 0
    /// Packed, 0 where nobody saw the message.
    var entries: [UInt64] = []
  }

  private var rooms: [Room]
  /// Entries of a room: a server that lies about offsets must not fill the memory.
  private let limit: Int

  package init(roomCount: Int, limit: Int) {
    rooms = Array(repeating: Room(), count: roomCount)
    self.limit = limit
  }

  /// Somebody is in the room from behind this position on.
  package mutating func begin(_ room: Int, _ position: LogPosition) {
    guard let log = rooms[room].log else {
      (rooms[room].log, rooms[room].base) = (position.log, position.offset + 1)
      return
    }
    guard rooms[room].entries.isEmpty else { return }
    // Before the traffic the offsets of those that join do not differ by more than other people's messages; a room that
    // everybody had left has a new log.
    rooms[room].base = log == position.log ? min(rooms[room].base, position.offset + 1) : position.offset + 1
    rooms[room].log = position.log
  }

  /// A receiver saw the message at the position.
  /// - Returns: false if somebody saw another message there, or the room's messages in another log.
  package mutating func note(_ room: Int, _ position: LogPosition, _ entry: Entry) -> Bool {
    guard position.offset > 0 else { return true }
    if rooms[room].log == nil { begin(room, LogPosition(log: position.log, offset: position.offset - 1)) }
    guard position.log == rooms[room].log else { return false }
    guard let index = index(room, position) else { return true }
    let missing = index + 1 - rooms[room].entries.count
    if missing > 0 { rooms[room].entries.append(contentsOf: repeatElement(0, count: missing)) }
    let known = rooms[room].entries[index]
    if known == 0 { rooms[room].entries[index] = entry.packed }
    return known == 0 || known == entry.packed
  }

  /// Takes in what others saw; returns where they saw another message, as room and entry.
  package mutating func merge(_ other: PositionTable) -> [(room: Int, Entry)] {
    var contradictions: [(room: Int, Entry)] = []
    for (room, theirs) in other.rooms.enumerated() {
      guard let log = theirs.log, !theirs.entries.isEmpty else { continue }
      begin(room, LogPosition(log: log, offset: theirs.base - 1))
      for (index, packed) in theirs.entries.enumerated() {
        guard let entry = Entry(packed: packed) else { continue }
        if !note(room, LogPosition(log: log, offset: theirs.base + UInt64(index)), entry) {
          contradictions.append((room, entry))
        }
      }
    }
    return contradictions
  }

  /// At how many offsets within the ranges somebody saw a message.
  func seenCount(_ room: Int, in ranges: [ClosedRange<UInt64>]) -> UInt64 {
    let room = rooms[room]
    guard !room.entries.isEmpty else { return 0 }
    let all = room.base...room.base + UInt64(room.entries.count - 1)
    return ranges.reduce(0) { count, range in
      guard range.overlaps(all) else { return count }
      let part = range.clamped(to: all)
      return count + UInt64(room.entries[Int(part.lowerBound - room.base)...Int(part.upperBound - room.base)].count { $0 != 0 })
    }
  }

  /// The offset of every message of the room that somebody saw.
  package func offsets(_ room: Int) -> [Entry: UInt64] {
    var offsets: [Entry: UInt64] = [:]
    for (index, packed) in rooms[room].entries.enumerated() {
      if let entry = Entry(packed: packed) { offsets[entry] = rooms[room].base + UInt64(index) }
    }
    return offsets
  }

  private func index(_ room: Int, _ position: LogPosition) -> Int? {
    guard position.offset >= rooms[room].base,
      position.offset - rooms[room].base < UInt64(limit)
    else { return nil }
    return Int(position.offset - rooms[room].base)
  }
}
