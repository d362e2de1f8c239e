import SessionCore

extension LoadReport {
  /// The report as one object. Times are milliseconds; when `invalid` is not null they are the generator's own.
  package var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("kind", "load"), .init("verdict", .string(verdict)), .init("exit", .int(status.rawValue)),
      .init("passed", .bool(status == .ok)), .init("partial", .bool(isPartial)),
      .init("invalid", invalidity.map { .string($0) } ?? .null),
      .init("url", .string(url)), .init("seed", .int(seed)), .init("sessions", .int(sessions)),
      .init("rooms", .int(rooms)), .init("loops", .int(loops)), .init("io", .string(io.rawValue)), .init("payload_bytes", .int(payloadBytes)),
      .init("duration_s", LoadText.number(seconds)),
      .init("rate", ["target": LoadText.number(targetRate), "achieved": LoadText.number(achievedRate)]),
    ]
    members += counts.map { .init($0.name, .int($0.value)) }
    members.append(.init("storms", .array(storms.map(LoadReport.json))))
    for name in Threshold.distributions {
      guard let times = distribution(name) else { continue }
      members.append(.init("\(name)_ms", LoadReport.json(times)))
    }
    members.append(.init("thresholds", .array(thresholds.map(LoadReport.json))))
    members.append(.init("endings", .object(endings.map { .init($0.text, .int($0.count)) })))
    members.append(.init("counterexample", counterexampleJSON))
    return .object(members)
  }

  package var verdict: String {
    switch status {
    case .invariantBroken: "failed"
    case .invalidRun: "invalid"
    case .thresholdMissed: "threshold"
    case .interrupted: "partial"
    default: "ok"
    }
  }

  private static func json(_ result: StormResult) -> JSONValue {
    [
      "percent": LoadText.number(result.storm.percent),
      "at_ms": .int(Quantity.nanoseconds(result.storm.at) / 1_000_000), "dropped": .int(result.dropped),
      "resumed": .int(result.resumed),
    ]
  }

  private static func json(_ times: Latencies) -> JSONValue {
    var members = [JSONValue.Member("count", .int(times.count))]
    for name in ["mean", "p50", "p90", "p99", "p99.9", "max"] {
      members.append(.init(name, times.milliseconds(named: name).map(LoadText.number) ?? .null))
    }
    return .object(members)
  }

  private static func json(_ entry: (threshold: Threshold, value: Double?)) -> JSONValue {
    [
      "threshold": .string(entry.threshold.text), "value": entry.value.map(LoadText.number) ?? .null,
      "passed": .bool(holds(entry)),
    ]
  }

  private var counterexampleJSON: JSONValue {
    guard let example = tally.counterexample else { return .null }
    return [
      "kind": .string(example.kind.rawValue), "room": .string("\(roomPrefix)\(example.room)"),
      "receiver": .int(example.receiver), "sender": example.sender.map { .int($0) } ?? .null,
      "number": .int(example.number), "expected": example.expected.map { .int($0) } ?? .null,
      "due_ms": dueMilliseconds.map(LoadText.number) ?? .null,
      "came_ms": cameMilliseconds.map(LoadText.number) ?? .null,
    ]
  }

  /// When the counterexample's message was due, after the start.
  var dueMilliseconds: Double? {
    guard let example = tally.counterexample, let sender = example.sender, seconds > 0 else { return nil }
    let schedule = LoadSchedule(
      seed: seed, sessionCount: sessions, ratePerSecond: targetRate, duration: .seconds(seconds))
    return schedule.offset(ofMessage: example.number, from: sender).map { Double($0) / 1e6 }
  }

  var cameMilliseconds: Double? {
    tally.counterexample?.at.flatMap { $0 >= startNanoseconds ? Double($0 - startNanoseconds) / 1e6 : nil }
  }
}

/// Figures as text.
enum LoadText {
  static func milliseconds(_ value: Double?) -> String {
    guard let value else { return "-" }
    if value >= 1000 { return "\(fixed(value / 1000, 2)) s" }
    return "\(fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0)) ms"
  }

  static func rate(_ value: Double) -> String { "\(fixed(value, value < 10 ? 1 : 0))/s" }

  /// At most three decimals.
  static func number(_ value: Double) -> JSONValue {
    guard value.isFinite, abs(value) < 1e15 else { return .null }
    let thousandths = Int64((value * 1000).rounded())
    return .number(thousandths % 1000 == 0 ? String(thousandths / 1000) : "\(Double(thousandths) / 1000)")
  }

  /// Groups of three digits: `1,250,000`.
  static func count(_ value: UInt64) -> String {
    var text = ""
    for (position, digit) in String(value).reversed().enumerated() {
      if position > 0, position % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return String(text.reversed())
  }

  static func fixed(_ value: Double, _ places: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let digits = String(Int64((abs(value) * scale).rounded()))
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let sign = value < 0 ? "-" : ""
    return sign + padded.dropLast(places) + (places > 0 ? "." + padded.suffix(places) : "")
  }
}
