import SessionCore

/// Splits a command into words and JSON values. Words end at white space; a value that begins with `{`, `[` or `"`
/// ends where its JSON ends, spaces and newlines included. There are no other quotes and no escapes.
package struct Token: Equatable {
  package enum Kind: Equatable { case word, json }

  package var kind: Kind
  package var text: String

  /// The text as a name: a JSON string stands for what is in it.
  package var name: String? {
    guard kind == .json else { return text }
    return (try? JSONValue(parsing: Array(text.utf8)))?.stringValue
  }

  package static func split(_ line: String) throws(CommandFault) -> [Token] {
    let bytes = Array(line.utf8)
    var tokens: [Token] = []
    var index = 0
    while true {
      while index < bytes.count, isSpace(bytes[index]) { index += 1 }
      guard index < bytes.count else { return tokens }
      let start = index
      let kind: Kind = opensJSON(bytes[index]) ? .json : .word
      index = kind == .json ? try endOfJSON(bytes, from: index) : try endOfWord(bytes, from: index)
      tokens.append(Token(kind: kind, text: String(decoding: bytes[start..<index], as: UTF8.self)))
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }

  private static func opensJSON(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "\"")
  }

  /// A word such as `text="two words"` takes the JSON behind its `=` with it.
  private static func endOfWord(_ bytes: [UInt8], from start: Int) throws(CommandFault) -> Int {
    var index = start
    while index < bytes.count, !isSpace(bytes[index]) {
      index += 1
      if bytes[index - 1] == UInt8(ascii: "="), index < bytes.count, opensJSON(bytes[index]) {
        return try endOfJSON(bytes, from: index)
      }
    }
    return index
  }

  private static func endOfJSON(_ bytes: [UInt8], from start: Int) throws(CommandFault) -> Int {
    var scanner = JSONScanner()
    for index in start..<bytes.count {
      scanner.take(bytes[index])
      guard scanner.depth <= 0, !scanner.isInString else { continue }
      let end = index + 1
      guard end == bytes.count || isSpace(bytes[end]) else {
        throw CommandFault("unexpected \"\(Character(Unicode.Scalar(bytes[end])))\" after the JSON value")
      }
      return end
    }
    throw CommandFault("the JSON is not closed")
  }
}

/// What is wrong with a command, as the end of a sentence that begins with its place.
package struct CommandFault: Error, Equatable, Sendable {
  package var what: String
  package var next: String?

  package init(_ what: String, next: String? = nil) {
    self.what = what
    self.next = next
  }
}
