/// Whether a command's JSON is still open, so that the next line belongs to it.
package enum JSONBalance {
  /// True while a bracket, or a string within brackets, is open. Never for comments, nor for `raw`, which sends what
  /// stands there, broken or not.
  package static func isOpen(_ entry: String) -> Bool {
    let text = entry.drop { $0 == " " || $0 == "\t" }
    guard !text.hasPrefix("#"), text != "raw", !text.hasPrefix("raw ") else { return false }
    var scanner = JSONScanner()
    for byte in text.utf8 { scanner.take(byte) }
    return scanner.depth > 0
  }
}

/// Follows brackets and strings, and judges nothing else.
struct JSONScanner {
  private(set) var depth = 0
  private(set) var isInString = false
  private var isEscaped = false

  mutating func take(_ byte: UInt8) {
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      }
      return
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
    default: break
    }
  }
}
