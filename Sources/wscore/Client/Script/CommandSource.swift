/// Where commands come from when nobody types them: scripts, `-c`, standard input, and the `source` and `repeat`
/// within them, one above the other.
package struct CommandSource {
  /// A command, or what is wrong with the line, and where it stands.
  package struct Item {
    package var place: String?
    package var command: Result<Command, CommandFault>

    package init(place: String?, command: Result<Command, CommandFault>) {
      self.place = place
      self.command = command
    }
  }

  package enum Next {
    case item(Item)
    /// Standard input has no whole line yet.
    case later
    case end
  }

  private enum Layer {
    case lines(ScriptLines)
    case repeated(Command, left: Int, place: String?)
  }

  private var layers: [Layer] = []
  private static let maxLayers = 16

  package init() {}

  package var isEmpty: Bool { layers.isEmpty }

  /// Adds lines below all that is there: they come last.
  package mutating func queue(_ lines: ScriptLines) { layers.insert(.lines(lines), at: 0) }

  /// Adds what comes next, before the rest.
  /// - Throws: `CommandFault` when scripts call each other too deeply.
  package mutating func push(_ lines: ScriptLines) throws(CommandFault) { try push(.lines(lines)) }

  package mutating func push(_ command: Command, times: Int, place: String?) throws(CommandFault) {
    try push(.repeated(command, left: times, place: place))
  }

  private mutating func push(_ layer: Layer) throws(CommandFault) {
    guard layers.count < CommandSource.maxLayers else { throw CommandFault("scripts call each other too deeply") }
    layers.append(layer)
  }

  /// Forgets everything: the user interrupted it.
  package mutating func cancel() { layers = [] }

  /// Text of standard input, to the script that reads it; empty at its end.
  package mutating func feed(_ bytes: [UInt8]) {
    guard case .lines(var lines) = layers.first else { return }
    lines.feed(bytes)
    layers[0] = .lines(lines)
  }

  package mutating func next() -> Next {
    while let layer = layers.popLast() {
      switch layer {
      case .repeated(let command, let left, let place):
        if left > 1 { layers.append(.repeated(command, left: left - 1, place: place)) }
        return .item(Item(place: place, command: .success(command)))
      case .lines(var lines):
        let next = lines.next()
        if case .end = next { continue }
        layers.append(.lines(lines))
        return next
      }
    }
    return .end
  }
}

/// The lines of one script. JSON that is still open at the end of a line goes on in the next.
package struct ScriptLines {
  private static let maxLineBytes = 1 << 21
  private let name: String
  private var buffer: [UInt8]
  private var position = 0
  private var line = 0
  private var isComplete: Bool

  /// - Parameters:
  ///   - name: for messages, in front of the line's number.
  ///   - text: all of it; nil if it comes piece by piece through `feed`.
  package init(name: String, text: [UInt8]?) {
    self.name = name
    buffer = text ?? []
    isComplete = text != nil
  }

  package mutating func feed(_ bytes: [UInt8]) {
    if bytes.isEmpty { isComplete = true }
    buffer.removeSubrange(..<position)
    position = 0
    buffer.append(contentsOf: bytes)
    // Nobody writes such a line; it is cut, and the command says that its JSON is not closed.
    if buffer.count > ScriptLines.maxLineBytes { isComplete = true }
  }

  package mutating func next() -> CommandSource.Next {
    while true {
      guard let (entry, lines, end, isUTF8) = entry() else { return isComplete ? .end : .later }
      let place = "\(name):\(line + 1)"
      position = end
      line += lines
      do throws(CommandFault) {
        guard isUTF8 else { throw CommandFault("the line is not UTF-8") }
        guard let command = try CommandParser.parse(entry) else { continue }
        return .item(.init(place: place, command: .success(command)))
      } catch {
        return .item(.init(place: place, command: .failure(error)))
      }
    }
  }

  /// The next whole entry, how many lines it has, where it ends, and whether its text is all that was written.
  private func entry() -> (text: String, lines: Int, end: Int, isUTF8: Bool)? {
    var start = position
    var lines = 0
    while start < buffer.count {
      let newline = buffer[start...].firstIndex(of: UInt8(ascii: "\n"))
      guard newline != nil || isComplete else { return nil }
      let end = newline ?? buffer.count
      lines += 1
      var text = String(decoding: buffer[position..<end], as: UTF8.self)
      if text.hasSuffix("\r") { text.removeLast() }
      start = newline.map { $0 + 1 } ?? end
      if !JSONBalance.isOpen(text) || (start >= buffer.count && isComplete) {
        return (text, lines, start, String(validating: buffer[position..<end], as: UTF8.self) != nil)
      }
    }
    return nil
  }
}
