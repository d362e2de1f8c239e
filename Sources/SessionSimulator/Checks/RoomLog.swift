import SessionCore

/// What was said in a room, as its log took it: the truth that every member's copy is held against.
struct RoomLog {
  struct Entry {
    var number: UInt64
    var at: Instant
  }

  var log: UInt64 = 0
  /// The first has offset 1.
  var entries: [Entry] = []
  /// The highest number of each sender.
  var last: [SessionID: UInt64] = [:]

  func number(_ position: LogPosition) -> UInt64? {
    guard position.log == log, position.offset > 0, position.offset <= entries.count else { return nil }
    return entries[Int(position.offset) - 1].number
  }
}

extension Judge {
  /// `r3` is 3; nil for a room that is not the simulation's.
  static func roomIndex(_ name: String) -> Int? {
    let utf8 = name.utf8
    guard utf8.count == 2, utf8.first == 0x72, let digit = utf8.last, 0x30...0x39 ~= digit else { return nil }
    return Int(digit - 0x30)
  }

  func logged(_ room: String, _ position: LogPosition, _ event: RoomEvent) {
    guard let index = Judge.roomIndex(room), index < rooms.count else { return }
    if rooms[index].log != position.log { rooms[index] = RoomLog(log: position.log) }
    let number = event.payload.number(in: event.payload.indices) ?? 0
    rooms[index].entries.append(RoomLog.Entry(number: number, at: now))
    guard let from = event.from else { return }
    let last = rooms[index].last[from] ?? 0
    // Two copies of one client, and a client that stands behind its session, say what they like.
    if sessions[from]?.isTainted != true {
      require(number != last, .ackHonesty, "\(from): message \(number) was published twice in \(room)")
      require(number >= last, .order, "\(from): message \(number) was published after \(last) in \(room)")
    }
    rooms[index].last[from] = number
  }
}
