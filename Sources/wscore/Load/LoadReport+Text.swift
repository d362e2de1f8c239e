extension LoadReport {
  /// The report for people, line by line.
  package func lines(_ style: Style) -> [String] {
    var lines = [headline(style)]
    lines += countLines(style)
    if status == .invalidRun {
      lines.append("no latencies: they would be the generator's own")
    } else {
      lines += timeLines
    }
    for entry in thresholds {
      let mark = LoadReport.holds(entry) ? style("met", .green) : style("missed", .red)
      let value = entry.value.map { LoadText.fixed($0, 3) } ?? "nothing measured"
      lines.append("threshold   \(entry.threshold.text): \(mark) (\(value))")
    }
    for ending in endings.prefix(5) { lines.append("ended       \(LoadText.count(ending.count)) × \(ending.text)") }
    if let text = counterexampleText { lines += ["counterexample", text] }
    lines.append("seed        \(seed)")
    return lines
  }

  private func headline(_ style: Style) -> String {
    switch status {
    case .ok: style("PASSED", .bold, .green) + suffix
    case .invariantBroken: style("FAILED", .bold, .red) + " — the server broke its promise" + suffix
    case .invalidRun: style("INVALID", .bold, .yellow) + " — the generator was the bottleneck: " + (invalidity ?? "")
    case .thresholdMissed:
      style("THRESHOLD MISSED", .bold, .red) + " — " + missedThresholds.map(\.text).joined(separator: ", ")
    default: style("PARTIAL", .bold, .yellow) + " — interrupted; the verdict is over what was sent"
    }
  }

  private var suffix: String { isPartial ? " (partial: interrupted)" : "" }

  private func countLines(_ style: Style) -> [String] {
    func bad(_ value: UInt64) -> String {
      value == 0 ? "0" : style(LoadText.count(value), .bold, .red)
    }
    let count = LoadText.count
    var lines = [
      "sent        \(count(sent)) of \(count(scheduled)) at \(LoadText.rate(achievedRate)), "
        + "\(count(acknowledged)) acknowledged" + (unknownSends > 0 ? ", \(count(unknownSends)) of unknown fate" : "")
        + (unsent > 0 ? ", \(count(unsent)) never left" : ""),
      "delivered   \(count(tally.delivered)) of \(count(tally.expected))",
      "lost        \(bad(tally.lost))   duplicated \(bad(tally.duplicated))   "
        + "out of order \(bad(tally.outOfOrder))   unexplained \(bad(tally.unexplained))",
      "explained   \(count(tally.gap)) in gaps, \(count(tally.unknown)) whose sender was told that their fate is unknown",
    ]
    if dropped > 0 || notResumed > 0 || takeovers > 0 {
      lines.append(
        "sessions    \(count(resumed)) of \(count(dropped)) resumed, \(bad(notResumed)) not"
          + (unplannedDrops > 0 ? ", \(count(unplannedDrops)) dropped without a storm" : "")
          + (takeovers > 0 ? ", \(count(takeovers)) taken over" : ""))
    }
    return lines
  }

  private var timeLines: [String] {
    let names = ["p50", "p90", "p99", "p99.9", "max"]
    var table = Table([.init("")] + names.map { .init($0, .right) })
    for name in Threshold.distributions {
      guard let times = distribution(name), times.count > 0 else { continue }
      table.append([name] + names.map { LoadText.milliseconds(times.milliseconds(named: $0)) })
    }
    return table.rows.isEmpty ? [] : table.lines(width: nil, isUTF8: true, style: Style(isColoured: false))
  }

  private var counterexampleText: String? {
    guard let example = tally.counterexample else { return nil }
    var text = "  \(example.kind.rawValue): room \(roomPrefix)\(example.room), receiver \(example.receiver)"
    switch example.kind {
    case .repeatedSequence, .sequenceHole, .wrongGap: return text + ", \(example.number) in all"
    default: break
    }
    if let sender = example.sender { text += ", sender \(sender), message \(example.number)" }
    if let expected = example.expected { text += ", expected \(expected)" }
    if let due = dueMilliseconds { text += ", due at \(LoadText.milliseconds(due))" }
    text += cameMilliseconds.map { ", came at \(LoadText.milliseconds($0))" } ?? ", never came"
    return text
  }
}
