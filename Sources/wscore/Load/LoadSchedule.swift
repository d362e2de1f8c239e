/// Who sends when, fixed before the run: every value follows from the seed and an index, so nothing is stored and every
/// loop sees the same timetable. The schedule is open: it does not wait for anybody.
package struct LoadSchedule: Sendable, Equatable {
  package let seed: UInt64
  package let sessionCount: Int
  package let ratePerSecond: Double
  package let messageCount: Int

  /// - Parameters:
  ///   - sessionCount: at least 1.
  ///   - ratePerSecond: messages of all sessions together; 0 for none.
  package init(seed: UInt64, sessionCount: Int, ratePerSecond: Double, duration: Duration) {
    self.seed = seed
    self.sessionCount = sessionCount
    self.ratePerSecond = ratePerSecond
    messageCount = Int((ratePerSecond * Double(Quantity.nanoseconds(duration)) / 1e9).rounded(.down))
  }

  /// The session that sends message `index`.
  package func sender(of index: Int) -> Int {
    let bits = LoadSchedule.mixed(seed &+ 0x9E37_79B9_7F4A_7C15 &* (UInt64(truncatingIfNeeded: index) &+ 1))
    return Int(truncatingIfNeeded: bits.multipliedFullWidth(by: UInt64(sessionCount)).high)
  }

  /// When message `index` is due, in nanoseconds after the start of the traffic.
  package func offset(of index: Int) -> UInt64 { UInt64(Double(index) / ratePerSecond * 1e9) }

  /// When `sender` was due to send its message `number` (from 1), in nanoseconds after the start; nil if it has no such
  /// message. Walks the timetable: for reports only.
  package func offset(ofMessage number: UInt32, from sender: Int) -> UInt64? {
    var seen: UInt32 = 0
    for index in 0..<messageCount where self.sender(of: index) == sender {
      seen += 1
      if seen == number { return offset(of: index) }
    }
    return nil
  }

  /// Which sessions the storm at `position` in the list of storms hits; exactly as many as its percentage asks for.
  package func targets(of storm: Storm, position: Int) -> [Int] {
    var order = Array(0..<sessionCount)
    let count = min(storm.dropCount(of: sessionCount), sessionCount)
    var state = LoadSchedule.mixed(seed ^ 0x5354_4F52_4D00_0000 &+ UInt64(position))
    for index in 0..<count {
      state = state &+ 0x9E37_79B9_7F4A_7C15
      let span = UInt64(sessionCount - index)
      let pick = index + Int(truncatingIfNeeded: LoadSchedule.mixed(state).multipliedFullWidth(by: span).high)
      order.swapAt(index, pick)
    }
    return order[..<count].sorted()
  }

  /// The output function of SplitMix64 (Steele, Lea, Flood 2014).
  package static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Which sessions share which room: session i is in room i mod rooms.
package struct RoomLayout: Sendable, Equatable {
  package let sessionCount: Int
  package let roomCount: Int
  package let prefix: String

  /// What the rooms' names begin with unless it is said.
  package static let standardPrefix = "load."

  /// - Parameter roomCount: 1…sessionCount.
  package init(sessionCount: Int, roomCount: Int, prefix: String = standardPrefix) {
    (self.sessionCount, self.roomCount, self.prefix) = (sessionCount, roomCount, prefix)
  }

  package func room(of session: Int) -> Int { session % roomCount }
  package func memberCount(_ room: Int) -> Int { (sessionCount - room + roomCount - 1) / roomCount }
  /// The session's place among the members of its room.
  package func position(of session: Int) -> Int { session / roomCount }
  package func session(room: Int, position: Int) -> Int { position * roomCount + room }
  package func name(_ room: Int) -> String { "\(prefix)\(room)" }
}
