import SessionCore

/// A message as a client has read it, by whatever means: where its fields lie.
struct Seen {
  var type: MessageType
  var seq: UInt64?
  var ack: UInt64?
  var version: UInt64 = 0
  var room: Range<Int>?
  var position: Range<Int>?
  var re: Range<Int>?
  var from: Range<Int>?
  var payload: Range<Int>?
  var isOlder = false
  var isTransient = false

  init(type: MessageType) { self.type = type }

  /// What the library's reader found in a message that begins at `base`.
  init(_ envelope: Envelope, at base: Int) {
    type = envelope.type
    func place(_ range: Range<Int>?) -> Range<Int>? {
      range.map { $0.lowerBound + base..<$0.upperBound + base }
    }
    (room, re, from) = (place(envelope.room?.range), place(envelope.re?.range), place(envelope.from?.range))
    (position, payload) = (place(envelope.pos), place(envelope.payload))
    (isOlder, isTransient) = (envelope.isHistory, envelope.isTransient)
  }
}

/// What a `welcome` says, as far as it can be judged.
struct Greeting {
  struct Room {
    var index: Int
    var position: LogPosition
    var older: ClosedRange<UInt64>?
  }

  var sid: SessionID?
  var version: UInt64
  var isResumed: Bool
  var hasReplay: Bool
  var hasSkipped: Bool
  var rooms: [Room]
  var state: UInt64

  init(_ notice: WelcomeNotice) {
    (sid, version, isResumed) = (SessionID(notice.sid), notice.version, notice.isResumed)
    (hasReplay, hasSkipped) = (notice.replay != nil, notice.skipped != nil)
    rooms = notice.rooms.compactMap { room in
      Greeting.room(room.name, room.position, room.continuity)
    }
    state = notice.state.flatMap { $0.number(in: $0.indices) } ?? 0
  }

  init(_ payload: JSONValue) {
    sid = payload["sid"]?.stringValue.flatMap { SessionID($0) }
    version = payload["version"]?.unsignedValue ?? 0
    isResumed = payload["resumed"]?.boolValue ?? false
    hasReplay = (payload["replay"] ?? .null) != .null
    hasSkipped = (payload["skipped"] ?? .null) != .null
    rooms = (payload["rooms"]?.arrayValue ?? []).compactMap { room in
      Greeting.room(room["room"]?.stringValue ?? "", LogPosition(room["pos"]), RoomContinuity(room))
    }
    state = payload["state"]?.unsignedValue ?? 0
  }

  private static func room(_ name: String, _ position: LogPosition?, _ continuity: RoomContinuity?) -> Room? {
    guard let index = Judge.roomIndex(name), let position else { return nil }
    return Room(index: index, position: position, older: continuity?.history)
  }
}
