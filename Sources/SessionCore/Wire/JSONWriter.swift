extension [UInt8] {
  /// Appends ASCII that stands in the source.
  mutating func append(literal text: StaticString) {
    text.withUTF8Buffer { append(contentsOf: $0) }
  }

  /// Appends a number in decimal.
  mutating func append(decimal value: UInt64) {
    if value < 10 {
      append(UInt8(truncatingIfNeeded: value) &+ 0x30)
      return
    }
    // 2^64-1 has 20 digits. Written from the last one, outside of the array: there it would be copied to be turned round.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var (rest, index) = (value, 20)
      while rest > 0 {
        index -= 1
        digits.initializeElement(at: index, to: UInt8(truncatingIfNeeded: rest % 10) &+ 0x30)
        rest /= 10
      }
      append(contentsOf: UnsafeBufferPointer(rebasing: digits[index...]))
    }
  }

  /// Appends `text` as a JSON string, quotes included: RFC 8259 section 7 asks for `"`, `\` and controls to be escaped.
  mutating func append(json text: String) {
    append(0x22)
    var text = text
    text.withUTF8 { bytes in
      // What needs no escape goes in one piece.
      var start = 0
      for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C {
        append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
        append(escaped: byte)
        start = index + 1
      }
      append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
    }
    append(0x22)
  }

  private mutating func append(escaped byte: UInt8) {
    switch byte {
    case 0x22: append(literal: "\\\"")
    case 0x5C: append(literal: "\\\\")
    case 0x0A: append(literal: "\\n")
    case 0x0D: append(literal: "\\r")
    case 0x09: append(literal: "\\t")
    default:
      append(literal: "\\u00")
      append(hex: byte)
    }
  }

  /// Appends two lower-case hex digits.
  mutating func append(hex byte: UInt8) {
    append(hexDigit: byte >> 4)
    append(hexDigit: byte & 15)
  }

  /// Appends 16 lower-case hex digits.
  mutating func append(hex word: UInt64) {
    for shift in stride(from: 60, through: 0, by: -4) { append(hexDigit: UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15) }
  }

  private mutating func append(hexDigit digit: UInt8) { append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10) }
}
