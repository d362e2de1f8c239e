/// An event in its bytes, checked once, that may be sent many times.
public struct PreparedEvent: Sendable {
  let tail: [UInt8]
  let isTransient: Bool

  /// - Parameters:
  ///   - payload: JSON text.
  ///   - id: what the reply will name.
  ///   - key: a newer event with the same key may take the place of this one.
  public init(
    event: String, eventVersion: UInt64 = 1, payload: [UInt8], room: String? = nil, id: String? = nil,
    key: String? = nil, isTransient: Bool = false
  ) throws(SendFault) {
    guard EventName.isValid(event) else {
      throw .invalid("an event's name is like \"chat.send\": a-z, 0-9, _ and dots, at most 128 bytes")
    }
    guard 1...9_007_199_254_740_991 ~= eventVersion else { throw .invalid("an event's version begins at 1") }
    try PreparedEvent.check(room: room, id: id, key: key)
    try PreparedEvent.check(payload: payload)
    var tail = MessageWriter.Tail(.event)
    tail.add("event", event)
    if eventVersion != 1 { tail.add("ev", number: eventVersion) }
    tail.add("id", id)
    tail.add("room", room)
    tail.add("key", key)
    if isTransient { tail.add("delivery", "transient") }
    self.tail = tail.end(payload: payload)
    self.isTransient = isTransient
  }

  static func check(room: String?, id: String?, key: String?) throws(SendFault) {
    if let room {
      guard 1...Envelope.MaxBytes.room ~= room.utf8.count, !room.hasControlCharacter else {
        throw .invalid("a room's name has 1 to 128 bytes and no control characters")
      }
    }
    if let id, !(1...Envelope.MaxBytes.id ~= id.utf8.count) { throw .invalid("an id has 1 to 64 bytes") }
    if let key, !(1...Envelope.MaxBytes.key ~= key.utf8.count) { throw .invalid("a key has 1 to 128 bytes") }
  }

  /// The server would end the connection for a payload that is no JSON.
  private static func check(payload: [UInt8]) throws(SendFault) {
    let bytes = payload.span
    var reader = JSONReader()
    do throws(Malformed) {
      _ = try reader.skipValue(bytes, depth: 1)
      try reader.expectEnd(bytes)
    } catch {
      throw .invalid("the payload is not JSON: \(error.reason) at byte \(error.offset)")
    }
    guard !reader.sawNonASCII || (try? UTF8Span(validating: bytes)) != nil else {
      throw .invalid("the payload is not UTF-8")
    }
  }
}
