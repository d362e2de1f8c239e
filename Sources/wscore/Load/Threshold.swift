/// `--threshold 'resume.p99<250ms'`: a figure of the report, a comparison and a bound.
package struct Threshold: Sendable, Equatable {
  package enum Comparison: String, Sendable, CaseIterable {
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
    case equal = "=="
    case less = "<"
    case greater = ">"

    package func holds(_ value: Double, _ bound: Double) -> Bool {
      switch self {
      case .lessOrEqual: value <= bound
      case .greaterOrEqual: value >= bound
      case .equal: value == bound
      case .less: value < bound
      case .greater: value > bound
      }
    }
  }

  /// As it was written.
  package var text: String
  package var metric: String
  package var comparison: Comparison
  /// Milliseconds for times, else a count or a rate a second.
  package var bound: Double

  package static let distributions = ["latency", "service", "resume", "connect", "lag"]
  package static let counts = [
    "scheduled", "sent", "acknowledged", "expected", "delivered", "lost", "duplicated", "out_of_order", "unexplained", "gap", "unknown",
    "unknown_sends", "unsent", "dropped", "resumed", "not_resumed", "unplanned_drops", "takeovers", "rate",
  ]

  /// - Throws: `CLIError` (usage) that says what is wrong and what there is.
  package init(_ text: String) throws(CLIError) {
    self.text = text
    let found = Comparison.allCases.compactMap { comparison in
      text.firstRange(of: comparison.rawValue).map { (comparison, $0) }
    }
    guard let (comparison, range) = found.min(by: { $0.1.lowerBound < $1.1.lowerBound }) else {
      throw .usage("threshold \"\(text)\" compares nothing", next: "Write it like: resume.p99<250ms or lost==0")
    }
    metric = text[..<range.lowerBound].filter { $0 != " " }
    self.comparison = comparison
    let bound = text[range.upperBound...].filter { $0 != " " }
    guard let isTime = Threshold.isTime(metric) else {
      let known = Threshold.distributions.map { "\($0).p99" } + Threshold.counts
      let nearest = Suggestion.nearest(to: metric, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
      throw .usage(
        "threshold \"\(text)\": there is no figure \"\(metric)\"\(nearest)",
        next: "Times are \(Threshold.distributions.joined(separator: ", ")), each with .p50, .p99.9, .mean or .max; "
          + "counts are \(Threshold.counts.joined(separator: ", ")).")
    }
    let value = isTime
      ? Quantity.duration(bound).map { Double(Quantity.nanoseconds($0)) / 1e6 }
      : Double(bound).flatMap { $0.isFinite ? $0 : nil } ?? Quantity.rate(bound)
    guard let value else {
      throw .usage("threshold \"\(text)\": \"\(bound)\" is not a \(isTime ? "duration (try 250ms)" : "number")")
    }
    self.bound = value
  }

  /// Nil if there is no such figure.
  private static func isTime(_ metric: String) -> Bool? {
    if counts.contains(metric) { return false }
    guard let dot = metric.firstIndex(of: "."), distributions.contains(String(metric[..<dot])),
      Latencies.isName(String(metric[metric.index(after: dot)...]))
    else { return nil }
    return true
  }
}
