/// The rooms that a client is in and the last position that it saw in each. Few rooms are usual, and messages of one
/// room come in rows, so names are compared where they lie and nothing is hashed.
struct RoomPositions: Sendable {
  struct Entry: Sendable {
    var name: [UInt8]
    var position: LogPosition?
  }

  /// Rooms that are remembered; a server has a lower bound of its own.
  static let maxCount = 4_096

  private(set) var entries: [Entry] = []
  /// Where the last message's room stands.
  private var latest = 0

  /// A message of the room came.
  mutating func note(_ room: JSONText, _ position: LogPosition, _ bytes: Span<UInt8>) {
    guard !room.hasEscapes else { return set(Array(room.decoded(bytes).utf8), position) }
    if latest < entries.count, room.isEqual(to: entries[latest].name, bytes) {
      entries[latest].position = position
      return
    }
    for index in entries.indices where room.isEqual(to: entries[index].name, bytes) {
      entries[index].position = position
      latest = index
      return
    }
    set(JSONText.copy(bytes, room.range), position)
  }

  mutating func set(_ name: [UInt8], _ position: LogPosition?) {
    if let index = entries.firstIndex(where: { $0.name == name }) {
      entries[index].position = position
    } else if entries.count < RoomPositions.maxCount {
      entries.append(Entry(name: name, position: position))
    }
  }

  mutating func remove(_ name: [UInt8]) { entries.removeAll { $0.name == name } }

  mutating func removeAll() { entries.removeAll() }

  func contains(_ name: [UInt8]) -> Bool { entries.contains { $0.name == name } }

  subscript(name: [UInt8]) -> LogPosition? { entries.first { $0.name == name }?.position }

  /// `hello.resume.pos`
  var json: JSONValue {
    .object(
      entries.compactMap { entry in
        entry.position.map { JSONValue.Member(String(decoding: entry.name, as: UTF8.self), $0.json) }
      })
  }

  /// Where a client stands that was told a room's position, and that older messages come first.
  static func start(_ position: JSONValue?, _ continuity: RoomContinuity?) -> LogPosition? {
    guard var position = LogPosition(position) else { return nil }
    if let first = continuity?.history?.lowerBound { position.offset = min(position.offset, first - 1) }
    return position
  }
}
