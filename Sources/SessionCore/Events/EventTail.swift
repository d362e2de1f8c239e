/// The tail of an `event` message, taken apart again: for the few receivers that get an older version of its payload.
struct EventTail {
  let name: String
  /// What stands between the version and the payload: `,"room":"lobby",...`.
  private let middle: Range<Int>
  private let payloadRange: Range<Int>
  private let tail: [UInt8]

  /// Nil if the message is of another type.
  init?(_ tail: [UInt8]) {
    guard tail.starts(with: EventTail.type) else { return nil }
    var reader = JSONReader(at: EventTail.type.count)
    do throws(Malformed) {
      let span = tail.span
      guard try EventTail.key(&reader, span) == "event" else { return nil }
      name = try reader.string(span).decoded(span)
      var start = reader.index
      while true {
        let memberStart = reader.index
        let key = try EventTail.key(&reader, span)
        if key == "payload" {
          // The payload is the last member, and the tail's last byte closes the message.
          (middle, payloadRange) = (start..<memberStart, reader.index..<tail.count - 1)
          break
        }
        _ = try reader.skipValue(span, depth: 1)
        if key == "ev" { start = reader.index }
      }
    } catch {
      return nil
    }
    self.tail = tail
  }

  private static let type = Array("\"type\":\"event\"".utf8)

  /// The next member's key; its value follows.
  private static func key(_ reader: inout JSONReader, _ bytes: Span<UInt8>) throws(Malformed) -> String {
    try reader.expect(0x2C, bytes)
    let key = try reader.string(bytes).decoded(bytes)
    try reader.expect(0x3A, bytes)
    return key
  }

  var payload: [UInt8] { Array(tail[payloadRange]) }

  /// The same message with another version of its payload.
  func changed(to version: UInt64, payload: [UInt8]) -> [UInt8] {
    var changed = MessageWriter.Tail(.event)
    changed.add("event", name)
    if version != 1 { changed.add("ev", number: version) }
    changed.add(raw: tail[middle])
    return changed.end(payload: payload)
  }
}
