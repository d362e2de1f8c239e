import SessionCore

/// Commands that show something, and settings.
extension ClientRun {
  func inform(_ command: Command, _ place: String?) {
    switch command {
    case .rooms: rooms()
    case .session: session()
    case .stats: stats()
    case .help(let topic): help(topic, place)
    case .set(let name, let value): set(name, value, place)
    case .mute(let pattern): mute(pattern)
    case .unmute(let pattern): muted.remove(pattern)
    default: break
    }
  }

  private func rooms() {
    let names = ledger.rooms.sorted()
    say(
      .result(
        command: "rooms", lines: names.isEmpty ? ["no rooms; join one with: join ROOM"] : names,
        .array(names.map { .string($0) })))
  }

  private func session() {
    let facts: [(String, JSONValue)] = [
      ("state", .string(state.description)), ("url", .string(options.url)),
      ("session", ledger.sid.map { .string($0) } ?? nil), ("user", ledger.user.map { .string($0) } ?? nil),
      ("connection", ledger.connection.map { .string($0) } ?? nil), ("version", .int(ledger.version)),
      ("gen", .int(ledger.generation)), ("ttl_ms", .int(ledger.timeToLiveMilliseconds)),
      ("in", .int(ledger.lastIn)), ("out", .int(ledger.lastOut)), ("unacknowledged", .int(ledger.unacknowledged)),
      ("rooms", .array(ledger.rooms.sorted().map { .string($0) })),
    ]
    result("session", facts)
  }

  private func stats() {
    result(
      "stats",
      [
        ("connections", .int(connections)), ("frames_in", .int(ledger.framesIn)),
        ("frames_out", .int(ledger.framesOut)),
        ("replayed", .int(ledger.replayed)), ("lost", .int(ledger.holes)), ("gaps", .int(ledger.gaps)),
        ("dup", .int(ledger.duplicates)), ("unknown", .int(ledger.unknown)), ("outstanding", .int(link.outstanding)),
        ("expectations_met", .int(metExpectations)), ("expectations_failed", .int(failedExpectations)),
      ])
  }

  private func result(_ command: String, _ facts: [(String, JSONValue)]) {
    let width = facts.reduce(0) { max($0, $1.0.count) }
    let lines = facts.map { name, value in
      name + String(repeating: " ", count: width + 2 - name.count) + (value.stringValue ?? value.text)
    }
    say(.result(command: command, lines: lines, .object(facts.map { .init($0.0, $0.1) })))
  }

  private func help(_ topic: String?, _ place: String?) {
    let name = topic ?? ""
    let entries = CommandTable.entries.filter { topic == nil || $0.name == name || $0.name.hasPrefix("\(name) ") }
    guard !entries.isEmpty else { return fail("help: there is no command \"\(name)\"", place: place, .dataError) }
    let lines = topic == nil
      ? entries.map { $0.name + String(repeating: " ", count: max(1, 14 - $0.name.count)) + $0.summary }
        + ["A line that begins with { is sent as it stands; # begins a comment. help COMMAND tells its words."]
      : entries.flatMap { [$0.usage, "  \($0.summary)"] }
    say(.result(command: "help", lines: lines, .array(entries.map { .string($0.usage) })))
  }

  private func mute(_ pattern: Glob?) {
    if let pattern {
      muted.insert(pattern)
      return
    }
    let patterns = muted.map(\.text).sorted()
    say(
      .result(
        command: "mute", lines: patterns.isEmpty ? ["nothing is muted"] : patterns,
        .array(patterns.map { .string($0) })))
  }

  private func set(_ name: String?, _ value: String?, _ place: String?) {
    let isOn: Bool? = ["on": true, "off": false][value ?? ""]
    switch (name, value) {
    case (nil, _):
      result(
        "set",
        [
          ("format", .string(options.format.rawValue)), ("quiet", .bool(options.isQuiet)),
          ("times", .bool(showsTimes)), ("timeout", .string(Quantity.text(options.timeout))),
        ])
    case ("quiet", _) where isOn != nil: options.isQuiet = isOn ?? false
    case ("times", _) where isOn != nil: showsTimes = isOn ?? true
    case ("format", let word?) where ClientOptions.Format(rawValue: word) != nil:
      options.format = ClientOptions.Format(rawValue: word) ?? .text
    case ("timeout", let word?) where Quantity.duration(word) != nil:
      options.timeout = Quantity.duration(word) ?? options.timeout
    default:
      fail(
        "set: \([name, value].compactMap { $0 }.joined(separator: " ")) is not a setting", place: place,
        next: "There are: format text|ndjson, quiet on|off, times on|off, timeout 5s", .dataError)
    }
  }
}
