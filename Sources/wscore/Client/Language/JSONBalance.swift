/// Whether a command's JSON is still open, so that the next line belongs to it.
package enum JSONBalance {
  /// True while a bracket, or a string within brackets, is open. Never for comments, nor for `raw`, which sends what
  /// stands there, broken or not.
  package static func isOpen(_ entry: String) -> Bool {
    let text = entry.drop { $0 == " " || $0 == "\t" }
    guard mayGoOn(text) else { return false }
    var scanner = JSONScanner()
    for byte in text.utf8 { scanner.take(byte) }
    return scanner.depth > 0
  }

  /// Whether it has several commands: a line ends where nothing is open, and is not the last one that says something.
  package static func hasSeveralCommands(_ entry: String) -> Bool {
    let text = entry.drop { $0.isWhitespace }
    let mayGoOn = mayGoOn(text)
    var scanner = JSONScanner()
    for index in text.utf8.indices {
      let byte = text.utf8[index]
      if mayGoOn { scanner.take(byte) }
      if byte == UInt8(ascii: "\n"), scanner.depth <= 0 { return text[index...].contains { !$0.isWhitespace } }
    }
    return false
  }

  private static func mayGoOn(_ text: Substring) -> Bool {
    !text.hasPrefix("#") && text.prefix { !$0.isWhitespace } != "raw"
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
