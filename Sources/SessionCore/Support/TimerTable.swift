import HeapModule

/// What a timer is for, and whose it is. A slot's generation makes a timer of something that is gone harmless.
struct TimerKey: Hashable, Sendable {
  enum Purpose: UInt8, Sendable {
    /// The connection's one deadline: for `hello`, an answer of a hook, the next ping or its pong.
    case connection
    /// The end of a connection's credential.
    case credential
    case expiry
    case delayedAck
    case overrun
    case handler
    /// A room's one deadline, at its home.
    case room
  }

  var purpose: Purpose
  var slot: Slot
}

/// Deadlines in order. Setting one again is cheap and leaves the old entry to be passed over when it comes up: the
/// owner keeps its true deadline and compares.
struct TimerTable {
  private struct Entry: Comparable {
    var deadline: Instant
    /// Order of setting, so that equal deadlines come up in a fixed order.
    var serial: UInt64
    var key: TimerKey

    static func < (left: Entry, right: Entry) -> Bool {
      (left.deadline, left.serial) < (right.deadline, right.serial)
    }

    static func == (left: Entry, right: Entry) -> Bool { left.serial == right.serial }
  }

  private var heap = Heap<Entry>()
  private var serial: UInt64 = 0

  /// With so many it is worth looking which of them are of owners that are gone.
  private var sweepCount = TimerTable.minSweepCount
  private static let minSweepCount = 4_096

  var count: Int { heap.count }
  /// As many again have come since the last sweep as it left: each costs a constant time in the mean.
  var isCrowded: Bool { heap.count >= sweepCount }
  var next: Instant? { heap.min?.deadline }

  mutating func set(_ key: TimerKey, at deadline: Instant) {
    guard deadline < .never else { return }
    serial += 1
    heap.insert(Entry(deadline: deadline, serial: serial, key: key))
  }

  /// Takes out what is of owners that are gone: a deadline may be days away, and its owner have come and left in a second.
  mutating func sweep(_ isAlive: (TimerKey) -> Bool) {
    heap = Heap(heap.unordered.filter { isAlive($0.key) })
    sweepCount = max(TimerTable.minSweepCount, 2 * heap.count)
  }

  /// Gives up the room that is kept for what may come.
  mutating func dropSpareRoom() {
    if heap.isEmpty { heap = Heap() }
  }

  /// The earliest timer that is due, with the deadline that it was set for.
  mutating func popDue(_ now: Instant) -> (key: TimerKey, deadline: Instant)? {
    guard let first = heap.min, first.deadline <= now else { return nil }
    heap.removeMin()
    return (first.key, first.deadline)
  }
}
