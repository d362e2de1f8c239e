/// Whether a command's JSON is still open, so that the next line belongs to it.
package enum JSONBalance {
  /// True while a bracket, or a string within brackets, is open in the last of its commands. Never for comments, nor for
  /// `raw`, which sends what stands there, broken or not.
  package static func isOpen(_ entry: String) -> Bool {
    var rest = entry[...]
    while let end = endOfFirstCommand(rest) { rest = rest[end...].dropFirst() }
    var scanner = JSONScanner()
    if mayGoOn(rest.drop { $0.isWhitespace }) { rest.utf8.forEach { scanner.take($0) } }
    return scanner.depth > 0
  }

  /// Whether it has several commands.
  package static func hasSeveralCommands(_ entry: String) -> Bool {
    let text = entry.drop { $0.isWhitespace }
    return endOfFirstCommand(text).map { end in text[end...].contains { !$0.isWhitespace } } ?? false
  }

  /// The end of the first line at whose end nothing is open; nil if that is the end of the text.
  private static func endOfFirstCommand(_ text: Substring) -> String.Index? {
    let mayGoOn = mayGoOn(text.drop { $0.isWhitespace })
    var scanner = JSONScanner()
    for index in text.utf8.indices {
      let byte = text.utf8[index]
      if mayGoOn { scanner.take(byte) }
      if byte == UInt8(ascii: "\n"), scanner.depth <= 0 { return index }
    }
    return nil
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
