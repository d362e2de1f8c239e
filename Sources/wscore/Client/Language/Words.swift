/// The words behind a command's name: options may stand anywhere among them.
struct Words {
  private var tokens: [Token]
  private let command: String

  init(_ tokens: [Token], command: String) {
    self.tokens = tokens
    self.command = command
  }

  /// The next word or value that is left.
  mutating func next() -> Token? { tokens.isEmpty ? nil : tokens.removeFirst() }

  mutating func nextName() throws(CommandFault) -> String? {
    guard let token = next() else { return nil }
    guard token.kind == .json || !token.text.hasPrefix("--") else { throw unknownOption(token.text) }
    guard let name = token.name else { throw CommandFault("\(token.text) is not a name") }
    return name
  }

  mutating func requiredName(_ what: String) throws(CommandFault) -> String {
    guard let name = try nextName(), !name.isEmpty else {
      throw CommandFault("\(what) is missing", next: "Usage: \(usage)")
    }
    return name
  }

  mutating func requiredWord<Word: RawRepresentable & CaseIterable>(_: Word.Type) throws(CommandFault) -> Word
  where Word.RawValue == String {
    let known = Word.allCases.map(\.rawValue)
    guard let name = try nextName() else {
      throw CommandFault("one of \(known.joined(separator: ", ")) is missing", next: "Usage: \(usage)")
    }
    guard let word = Word(rawValue: name) else {
      throw CommandFault("\"\(name)\" is none of \(known.joined(separator: ", "))", next: "Usage: \(usage)")
    }
    return word
  }

  mutating func nextNumber() throws(CommandFault) -> UInt64? {
    guard let name = try nextName() else { return nil }
    return try number(name)
  }

  mutating func nextDuration() throws(CommandFault) -> Duration? {
    guard let name = try nextName() else { return nil }
    return try duration(name)
  }

  /// A code that an endpoint may send: RFC 6455 section 7.4.
  mutating func nextCloseCode() throws(CommandFault) -> UInt16? {
    guard let name = try nextName() else { return nil }
    guard let code = UInt16(name), 1000...4999 ~= code, ![1004, 1005, 1006, 1015].contains(code) else {
      throw CommandFault("\"\(name)\" is not a close code that may be sent (1000, or 3000 to 4999)")
    }
    return code
  }

  // MARK: Options

  mutating func takeFlag(_ name: String) -> Bool {
    guard let position = position(of: name) else { return false }
    tokens.remove(at: position)
    return true
  }

  mutating func takeOption(_ name: String) throws(CommandFault) -> String? {
    guard let position = position(of: name) else { return nil }
    guard tokens.indices.contains(position + 1), let value = tokens[position + 1].name else {
      throw CommandFault("\(name) needs a value", next: "Usage: \(usage)")
    }
    tokens.removeSubrange(position...position + 1)
    return value
  }

  mutating func takeNumber(_ name: String) throws(CommandFault) -> UInt64? {
    guard let value = try takeOption(name) else { return nil }
    return try number(value)
  }

  mutating func takeDuration(_ name: String) throws(CommandFault) -> Duration? {
    guard let value = try takeOption(name) else { return nil }
    return try duration(value)
  }

  /// - Throws: `CommandFault` if anything is left.
  func expectEnd() throws(CommandFault) {
    guard let left = tokens.first else { return }
    if left.kind == .word, left.text.hasPrefix("--") { throw unknownOption(left.text) }
    throw CommandFault("\(left.text) is one word too many", next: "Usage: \(usage)")
  }

  // MARK: Values

  private var usage: String { CommandTable.entry(command)?.usage ?? command }

  private func position(of name: String) -> Int? {
    tokens.firstIndex { $0.kind == .word && $0.text == name }
  }

  private func unknownOption(_ text: String) -> CommandFault {
    let options = CommandTable.entries.filter { $0.name.hasPrefix(command) }.flatMap(\.options)
    let nearest = Suggestion.nearest(to: text, among: options)
    return CommandFault(
      "\(text) is not an option" + (nearest.map { "; did you mean \"\($0)\"?" } ?? ""), next: "Usage: \(usage)")
  }

  private func number(_ text: String) throws(CommandFault) -> UInt64 {
    guard let value = UInt64(text), value <= 9_007_199_254_740_991 else {
      throw CommandFault("\"\(text)\" is not a number from 0 to 2^53-1")
    }
    return value
  }

  private func duration(_ text: String) throws(CommandFault) -> Duration {
    guard let value = Quantity.duration(text) else {
      throw CommandFault("\"\(text)\" is not a duration", next: "Write 250ms, 30s or 2m.")
    }
    return value
  }
}
