import SessionCore

/// Lines for people.
package struct TextRenderer {
  package var style: Style
  package var isUTF8: Bool
  /// Whether a line begins with the time of day.
  package var showsTimes: Bool
  /// Columns that a message may take; nil for all that it needs.
  package var width: Int?

  package init(style: Style, isUTF8: Bool, showsTimes: Bool, width: Int? = nil) {
    self.style = style
    self.isUTF8 = isUTF8
    self.showsTimes = showsTimes
    self.width = width
  }

  package var arrow: String { isUTF8 ? "→" : "->" }

  /// The lines without their ends; none for what people need not see.
  package func render(_ report: Report, time: String) -> [String] {
    switch report.content {
    case .frame(let direction, let message, let byteCount): [stamp(time) + frame(direction, message, byteCount)]
    case .state(_, let text, _): [stamp(time) + style("*", .cyan) + " " + shown(text)]
    case .fault(let verdict): [style(shown(verdict.text(arrow: arrow)), verdict.isClean ? .green : .red)]
    case .expectation(let text, let elapsed): [style("ok", .green) + " \(shown(text)) (\(Quantity.spoken(elapsed)))"]
    case .alarm(let alarm): [style(shown(TextRenderer.text(alarm)), .bold, .red)]
    case .error(let place, let text, let next):
      [style("error:", .bold, .red) + " " + shown((place.map { "\($0): " } ?? "") + text)]
        + (next.map { ["  \(shown($0))"] } ?? [])
    case .result(_, let lines, _): lines.map(shown)
    case .summary: []
    case .note(let text): [style(shown(text), .dim)]
    }
  }

  package static func text(_ alarm: SessionLedger.Alarm) -> String {
    switch alarm {
    case .hole(let from, let to): "LOST: \(range(from, to)) never came, and no gap says why"
    case .gap(let from, let to, let reason): "gap: \(range(from, to)) will not come (\(reason))"
    case .duplicate(let seq): "DUPLICATE: message \(seq) came again"
    case .unknown(let count): "unknown: whether the last \(count) sends were processed; their session ended"
    }
  }

  private static func range(_ from: UInt64, _ to: UInt64) -> String {
    from == to ? "message \(from)" : "messages \(from) to \(to)"
  }

  /// A peer must not steer the terminal, so nothing is written without this. Newlines of ours come as several lines.
  private func shown(_ text: String) -> String { DisplayWidth.printable(text) }

  private func stamp(_ time: String) -> String { showsTimes ? style(time, .dim) + " " : "" }

  private func frame(_ direction: Report.Direction, _ message: JSONValue?, _ byteCount: Int) -> String {
    let sign = style(direction == .in ? "<" : ">", direction == .in ? .green : .blue)
    guard let message, message.isObject else { return "\(sign) not a JSON object (\(byteCount) bytes)" }
    let shown = Redaction.redact(message)
    let expected = MessageExpectation.Message(envelope: shown)
    var words = [style(self.shown(expected.name), .bold)]
    if let seq = shown["seq"]?.unsignedValue { words.append(style("#\(seq)", .dim)) }
    for (key, label) in [("room", "in"), ("from", "from"), ("re", "re"), ("id", "id")] {
      if let value = shown[key]?.stringValue { words.append(style(label, .dim) + " " + self.shown(value)) }
    }
    if let payload = shown["payload"], payload != .object([]) { words.append(self.shown(cut(payload.text))) }
    return "\(sign) \(words.joined(separator: " "))"
  }

  private func cut(_ text: String) -> String {
    guard let width else { return text }
    return DisplayWidth.truncated(text, to: width, ellipsis: isUTF8 ? "…" : "...")
  }
}
