import SessionCore

/// One JSON object a line: `{"v":1,"ts":…,"mono_ns":…,"kind":…,…}`. The man page lists the fields.
package struct NDJSONRenderer {
  package init() {}

  /// The line without its end; nil for what is for people only.
  package func render(_ report: Report, timestamp: String, monotonic: Int64) -> String? {
    guard let (kind, content) = encode(report.content) else { return nil }
    var fields = content
    var members: [JSONValue.Member] = [
      .init("v", 1), .init("ts", .string(timestamp)), .init("mono_ns", .int(monotonic)), .init("kind", .string(kind)),
    ]
    if let first = fields.first, first.key == "dir" { members.append(fields.removeFirst()) }
    if let session = report.session { members.append(.init("session", .string(session))) }
    members.append(.init("conn", .int(report.connection)))
    return SafeJSON.line(.object(members + fields))
  }

  private func encode(_ content: Report.Content) -> (kind: String, fields: [JSONValue.Member])? {
    switch content {
    case .frame(let direction, let message, let byteCount):
      ("frame", [.init("dir", .string(direction.rawValue))] + frame(message, byteCount))
    case .state(let name, _, let fields): ("state", [.init("state", .string(name))] + fields)
    case .fault(let verdict): ("fault", fault(verdict))
    case .expectation(let text, let elapsed):
      ("expect", [.init("ok", true), .init("expectation", .string(text)), milliseconds(elapsed)])
    case .alarm(let alarm): ("fault", self.alarm(alarm))
    case .error(let place, let text, let next): ("error", error(place, text, next))
    case .result(let command, _, let value): ("result", [.init("command", .string(command)), .init("value", value)])
    case .summary(let value): ("summary", members(of: value))
    case .note: nil
    }
  }

  private func frame(_ message: JSONValue?, _ byteCount: Int) -> [JSONValue.Member] {
    guard let message, message.isObject else { return [.init("malformed", true), .init("bytes", .int(byteCount))] }
    let copied = ["seq", "ack", "type", "event", "room"].compactMap { key in
      message[key].map { JSONValue.Member(key, $0) }
    }
    return copied + [.init("envelope", Redaction.redact(message))]
  }

  private func fault(_ verdict: FaultVerdict) -> [JSONValue.Member] {
    var fields: [JSONValue.Member] = [
      .init("fault", .string(verdict.fault)), .init("resumed", .bool(verdict.resumed)), milliseconds(verdict.elapsed),
      .init("replayed", .int(verdict.replayed)), .init("lost", .int(verdict.lost)),
      .init("dup", .int(verdict.duplicates)),
    ]
    if let reason = verdict.reason { fields.append(.init("reason", .string(reason))) }
    return fields
  }

  private func alarm(_ alarm: SessionLedger.Alarm) -> [JSONValue.Member] {
    switch alarm {
    case .hole(let from, let to): [.init("fault", "hole"), .init("from", .int(from)), .init("to", .int(to))]
    case .gap(let from, let to, let reason):
      [.init("fault", "gap"), .init("from", .int(from)), .init("to", .int(to)), .init("reason", .string(reason))]
    case .duplicate(let seq): [.init("fault", "duplicate"), .init("seq", .int(seq))]
    case .unknown(let count): [.init("fault", "unknown"), .init("count", .int(count))]
    }
  }

  private func error(_ place: String?, _ text: String, _ next: String?) -> [JSONValue.Member] {
    var fields: [JSONValue.Member] = [.init("message", .string(text))]
    if let place { fields.insert(.init("place", .string(place)), at: 0) }
    if let next { fields.append(.init("next", .string(next))) }
    return fields
  }

  private func members(of value: JSONValue) -> [JSONValue.Member] {
    if case .object(let members) = value { members } else { [] }
  }

  private func milliseconds(_ elapsed: Duration) -> JSONValue.Member {
    .init("elapsed_ms", .int(Quantity.nanoseconds(elapsed) / 1_000_000))
  }
}
