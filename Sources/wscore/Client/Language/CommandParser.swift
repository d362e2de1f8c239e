import SessionCore

/// Reads one line of the client's language: the first word is the command, a line that begins with `{` is an envelope
/// to be sent as it stands, `#` begins a comment.
package enum CommandParser {
  private static let maxRepeats = 1_000_000

  /// The command of a line; nil for an empty one and for a comment.
  package static func parse(_ line: String) throws(CommandFault) -> Command? {
    let text = line.drop { $0.isWhitespace }
    guard let first = text.first, first != "#" else { return nil }
    if first == "{" { return .raw(String(text).trimmingEnd()) }
    let verb = String(text.prefix { !$0.isWhitespace })
    let rest = text.dropFirst(verb.count).drop { $0.isWhitespace }
    if verb == "raw" {
      guard !rest.isEmpty else { throw usage("raw") }
      return .raw(String(rest))
    }
    if verb == "repeat" { return try parseRepeat(rest) }
    guard CommandTable.names.contains(verb) else { throw unknown(verb) }
    do {
      var words = Words(try Token.split(String(rest)), command: verb)
      let command = try parse(verb, &words)
      try words.expectEnd()
      return command
    } catch {
      throw error.what.hasPrefix("\(verb):") ? error : CommandFault("\(verb): \(error.what)", next: error.next)
    }
  }

  static func usage(_ name: String) -> CommandFault {
    CommandFault("\(name): something is missing", next: "Usage: \(CommandTable.entry(name)?.usage ?? name)")
  }

  private static func unknown(_ verb: String) -> CommandFault {
    let nearest = Suggestion.nearest(to: verb, among: CommandTable.names)
    let shown = DisplayWidth.truncated(verb, to: 40, ellipsis: "...")
    return CommandFault(
      "\"\(shown)\" is not a command" + (nearest.map { "; did you mean \"\($0)\"?" } ?? ""), next: "See: help")
  }

  private static func parseRepeat(_ rest: Substring) throws(CommandFault) -> Command {
    let number = rest.prefix { !$0.isWhitespace }
    guard let count = Int(number), 1...maxRepeats ~= count else {
      throw CommandFault(
        "repeat: \"\(number)\" is not a number from 1 to \(maxRepeats)", next: "Usage: repeat N COMMAND")
    }
    guard let command = try parse(String(rest.dropFirst(number.count))) else { throw usage("repeat") }
    if case .repeated = command { throw CommandFault("repeat: a repeat in a repeat is not taken") }
    return .repeated(count, command)
  }

  private static func parse(_ verb: String, _ words: inout Words) throws(CommandFault) -> Command {
    switch verb {
    case "connect": return .connect(url: try words.nextName())
    case "disconnect": return .disconnect(code: try words.nextCloseCode() ?? 1000)
    case "send": return .send(try parseSend(&words))
    case "join":
      let presence = words.takeFlag("--presence")
      let older = try parseOlder(&words)
      return .join(room: try words.requiredName("a room"), presence: presence, older: older)
    case "leave": return .leave(room: try words.requiredName("a room"))
    case "rooms": return .rooms
    case "session": return .session
    case "resume": return .resume(from: try words.takeNumber("--from"))
    case "ack": return .acknowledge(try words.nextNumber())
    case "drop": return .drop(try parseDrop(&words))
    case "blackhole": return try parseBlackhole(&words)
    case "expect": return try parseExpect(&words)
    case "wait":
      let within = try words.takeDuration("--within")
      return .wait(try words.requiredWord(Command.Condition.self), within: within)
    case "sleep":
      guard let duration = try words.nextDuration() else { throw usage("sleep") }
      return .sleep(duration)
    case "source": return .source(path: try words.requiredName("a file"))
    case "set":
      let name = try words.nextName()
      return .set(name: name, value: try words.nextName())
    case "mute": return .mute(try words.nextName().map(Glob.init))
    case "unmute": return .unmute(Glob(try words.requiredName("a pattern")))
    case "stats": return .stats
    case "help":
      let topic = try words.nextName()
      return .help(topic: topic)
    case "quit": return .quit
    default: throw unknown(verb)
    }
  }

  private static func parseOlder(_ words: inout Words) throws(CommandFault) -> ClientSession.OlderMessages? {
    let count = try words.takeNumber("--history")
    guard let text = try words.takeOption("--since") else { return count.map { .last($0) } }
    guard count == nil else { throw CommandFault("--history and --since exclude each other") }
    let parts = text.split(separator: ":").map(String.init)
    guard parts.count == 2, let position = LogPosition(.array([.string(parts[0]), .number(parts[1])])) else {
      throw CommandFault("--since \(text) is not LOG:OFFSET, as in 02b7e1f09c44d8aa:17")
    }
    return .since(position)
  }

  private static func parseSend(_ words: inout Words) throws(CommandFault) -> Command.Sending {
    let room = try words.takeOption("--room"), id = try words.takeOption("--id")
    let awaitsAck = words.takeFlag("--ack")
    let event = try words.requiredName("an event")
    let payload = words.next()?.text ?? "null"
    do {
      _ = try JSONValue(parsing: Array(payload.utf8))
    } catch {
      throw CommandFault("the payload is not JSON: \(error.reason) at byte \(error.offset)", next: hint(forPayload: payload))
    }
    return Command.Sending(event: event, payload: payload, room: room, id: id, awaitsAck: awaitsAck)
  }

  /// What those try who come from a shell, and those who forget that a text is JSON, too.
  private static func hint(forPayload payload: String) -> String? {
    if payload.hasPrefix("'") { return "JSON stands as it is, without a shell's quotes around it: {\"text\":\"hi\"}" }
    return payload.contains("\"") ? nil : "A text is written in quotes: \"\(payload)\""
  }

  private static func parseDrop(_ words: inout Words) throws(CommandFault) -> Command.Drop {
    switch try words.nextName() {
    case "clean": return .clean(code: try words.nextCloseCode() ?? 1000)
    case "fin": return .fin
    case "rst": return .rst
    default: throw usage("drop")
    }
  }

  private static func parseBlackhole(_ words: inout Words) throws(CommandFault) -> Command {
    guard let word = try words.nextName() else { throw usage("blackhole") }
    if word == "off" { return .endBlackhole }
    guard let direction = Command.Direction(rawValue: word) else { throw usage("blackhole") }
    return .blackhole(direction, for: try words.nextDuration())
  }

  private static func parseExpect(_ words: inout Words) throws(CommandFault) -> Command {
    let within = try words.takeDuration("--within")
    let noGap = words.takeFlag("--no-gap"), noDuplicate = words.takeFlag("--no-dup")
    let isAbsence = words.takeFlag("--none")
    let name = try words.requiredName("an event")
    if name == "state" {
      if isAbsence { throw CommandFault("--none does not go with state") }
      let state = try words.requiredWord(Command.SessionState.self)
      return .expectState(
        .init(state: state, allowsGap: !noGap, allowsDuplicate: !noDuplicate, within: within))
    }
    if noGap || noDuplicate { throw CommandFault("--no-gap and --no-dup go with: expect state") }
    var expectation = MessageExpectation(name: Glob(name), within: within, isAbsence: isAbsence)
    while let word = words.next() { expectation.conditions.append(try condition(word.text)) }
    return .expect(expectation)
  }

  private static func condition(_ text: String) throws(CommandFault) -> MessageExpectation.Condition {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw CommandFault("\"\(text)\" is not PATH=VALUE", next: "For example: expect chat.message text=\"hi\"")
    }
    let value = String(text[text.index(after: equals)...])
    let path = text[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard path.allSatisfy({ !$0.isEmpty }) else {
      throw CommandFault("\"\(text[..<equals])\" is not a path like a.b.0")
    }
    // What is not JSON is meant as text: room=lobby.
    return .init(path: path, value: (try? JSONValue(parsing: Array(value.utf8))) ?? .string(value))
  }
}

extension String {
  fileprivate func trimmingEnd() -> String {
    var text = Substring(self)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
