import SessionCore

/// Reads a message of the server by PROTOCOL.md alone, in one pass and without a copy. It takes what this server writes:
/// JSON without blanks and without escapes in keys.
enum MessageScan {
  static func read(_ bytes: [UInt8], _ range: Range<Int>) -> Seen? {
    var index = range.lowerBound
    let end = range.upperBound
    guard index < end, bytes[index] == 0x7B else { return nil }
    index += 1
    var seen = Seen(type: .event)
    var hasType = false
    while index < end, bytes[index] == 0x22 {
      let key = index + 1
      guard let keyEnd = stringEnd(bytes, key, end), keyEnd + 1 < end, bytes[keyEnd + 1] == 0x3A else { return nil }
      let start = keyEnd + 2
      guard let valueEnd = valueEnd(bytes, start, end) else { return nil }
      if take(bytes, key..<keyEnd, start..<valueEnd, &seen) { hasType = true }
      index = valueEnd
      guard index < end, bytes[index] == 0x2C else { break }
      index += 1
    }
    return hasType && index == end - 1 && bytes[index] == 0x7D ? seen : nil
  }

  /// True if it was the type.
  private static func take(_ bytes: [UInt8], _ key: Range<Int>, _ value: Range<Int>, _ seen: inout Seen) -> Bool {
    let inside = value.lowerBound + 1..<max(value.lowerBound + 1, value.upperBound - 1)
    switch (key.count, bytes[key.lowerBound]) {
    case (1, 0x76): seen.version = bytes.number(in: value) ?? 0
    case (3, 0x73): seen.seq = bytes.number(in: value)
    case (3, 0x61): seen.ack = bytes.number(in: value)
    case (3, 0x70): seen.position = value
    case (2, 0x72): seen.re = inside
    case (4, 0x72): seen.room = inside
    case (4, 0x66): seen.from = inside
    case (7, 0x70): seen.payload = value
    case (7, 0x68): seen.isOlder = bytes[value.lowerBound] == 0x74
    case (8, 0x64): seen.isTransient = bytes[inside.lowerBound] == 0x74
    case (4, 0x74):
      guard let type = type(bytes, inside) else { return false }
      seen.type = type
      return true
    default: break
    }
    return false
  }

  private static func type(_ bytes: [UInt8], _ range: Range<Int>) -> MessageType? {
    switch (bytes[range.lowerBound], range.count) {
    case (0x65, 5): bytes[range.lowerBound + 1] == 0x76 ? .event : .error
    case (0x72, 5): .reply
    case (0x6D, 6): .member
    case (0x61, 3): .ack
    case (0x70, 4): .ping
    case (0x67, 3): .gap
    case (0x6C, 4): .live
    case (0x77, 7): .welcome
    case (0x73, 7): .session
    case (0x64, 8): .draining
    default: nil
    }
  }

  private static func stringEnd(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int? {
    var index = start
    while index < end {
      if bytes[index] == 0x22 { return index }
      index += bytes[index] == 0x5C ? 2 : 1
    }
    return nil
  }

  /// Behind the value that begins at `start`.
  private static func valueEnd(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int? {
    var index = start
    var depth = 0
    while index < end {
      switch bytes[index] {
      case 0x22:
        guard let closing = stringEnd(bytes, index + 1, end) else { return nil }
        index = closing
      case 0x7B, 0x5B: depth += 1
      case 0x7D, 0x5D:
        if depth == 0 { return index }
        depth -= 1
      case 0x2C where depth == 0: return index
      default: break
      }
      index += 1
    }
    return nil
  }
}
