import Glibc
import NIOCore
import SessionCore
import Synchronization

/// What standard error shows while a run goes on.
final class LoadProgress: Sendable {
  enum Kind: String, CaseIterable, Sendable {
    case auto, ndjson, off
  }

  enum Phase: String, Sendable {
    case connecting, running, settling
  }

  private enum Form { case line, log, ndjson, off }

  private let form: Form
  private let plan: LoadPlan
  private let output = LineOutput.standardError
  /// When the last line was shown.
  private let shownAt: Mutex<UInt64>

  init(_ kind: Kind, _ plan: LoadPlan) {
    self.plan = plan
    // A log says nothing about what is over in ten seconds.
    shownAt = Mutex(NIODeadline.now().uptimeNanoseconds)
    form =
      switch kind {
      case .auto: Terminal.isTerminal(STDERR_FILENO) ? .line : .log
      case .ndjson: .ndjson
      case .off: .off
      }
  }

  /// Four times a second on a terminal, else every ten seconds, as NDJSON every second.
  func show(_ phase: Phase, _ figures: LoadFigures, seconds: Double) {
    let interval: UInt64 =
      switch form {
      case .line: 250_000_000
      case .ndjson: 1_000_000_000
      case .log: 10_000_000_000
      case .off: .max
      }
    let now = NIODeadline.now().uptimeNanoseconds
    let isDue = shownAt.withLock { shown in
      guard form != .off, now - shown >= interval else { return false }
      shown = now
      return true
    }
    guard isDue else { return }
    // Progress is a courtesy: a closed standard error does not end the run.
    switch form {
    case .line: try? output.write("\r\u{1B}[K" + fitted(text(phase, figures, seconds)))
    case .log: try? output.write(line: text(phase, figures, seconds))
    case .ndjson: try? output.write(line: json(phase, figures, seconds).text)
    case .off: break
    }
  }

  /// Clears the status line.
  func finish() {
    if form == .line { try? output.write("\r\u{1B}[K") }
  }

  private func fitted(_ text: String) -> String {
    guard let width = Terminal.width(STDERR_FILENO) else { return text }
    return DisplayWidth.truncated(text, to: max(1, width - 1), ellipsis: Environment.isUTF8 ? "…" : "~")
  }

  private func text(_ phase: Phase, _ figures: LoadFigures, _ seconds: Double) -> String {
    let count = LoadText.count
    guard phase != .connecting else {
      return "connecting  \(count(UInt64(figures.ready)))/\(count(UInt64(plan.sessions))) sessions"
    }
    var parts = [
      "\(phase.rawValue) \(LoadText.fixed(seconds, 1)) s", "sent \(count(figures.sent))",
      "delivered \(count(figures.delivered))/\(count(figures.owed))",
      "latency p50 \(LoadText.milliseconds(figures.latencyP50)) p99 \(LoadText.milliseconds(figures.latencyP99))",
    ]
    if figures.dropped > 0 {
      parts.append(
        "resumed \(count(figures.resumed))/\(count(figures.dropped))"
          + (figures.resumeP99.map { " p99 \(LoadText.milliseconds($0))" } ?? ""))
    }
    if !figures.isClean || figures.retired > 0 { parts.append("FAULTS FOUND") }
    return parts.joined(separator: "  ")
  }

  private func json(_ phase: Phase, _ figures: LoadFigures, _ seconds: Double) -> JSONValue {
    [
      "kind": "progress", "phase": .string(phase.rawValue), "seconds": LoadText.number(seconds),
      "ready": .int(figures.ready), "sent": .int(figures.sent), "owed": .int(figures.owed),
      "delivered": .int(figures.delivered), "dropped": .int(figures.dropped), "resumed": .int(figures.resumed),
      "broken": .int(figures.broken), "clean": .bool(figures.isClean && figures.retired == 0),
      "latency_p99_ms": figures.latencyP99.map(LoadText.number) ?? .null,
      "resume_p99_ms": figures.resumeP99.map(LoadText.number) ?? .null,
    ]
  }
}
