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
    let start = count
    var rest = value
    while rest > 0 {
      append(UInt8(truncatingIfNeeded: rest % 10) &+ 0x30)
      rest /= 10
    }
    self[start...].reverse()
  }

  /// Appends `text` as a JSON string, quotes included: RFC 8259 section 7 asks for `"`, `\` and controls to be escaped.
  mutating func append(json text: String) {
    append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22: append(literal: "\\\"")
      case 0x5C: append(literal: "\\\\")
      case 0x0A: append(literal: "\\n")
      case 0x0D: append(literal: "\\r")
      case 0x09: append(literal: "\\t")
      case 0..<0x20:
        append(literal: "\\u00")
        append(hex: byte)
      default: append(byte)
      }
    }
    append(0x22)
  }

  /// Appends two lower-case hex digits.
  mutating func append(hex byte: UInt8) {
    for digit in [byte >> 4, byte & 15] { append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10) }
  }
}
