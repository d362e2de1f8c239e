import SessionCore
import SessionServer

/// All that a run found out.
package struct LoadReport: Sendable {
  package var url = ""
  package var seed: UInt64 = 0
  package var sessions = 0
  package var roomPrefix = RoomLayout.standardPrefix
  package var rooms = 0
  package var loops = 1
  /// What moved the bytes.
  package var io = SocketBackend.nio
  package var payloadBytes = 0
  package var targetRate = 0.0
  /// Messages handed to the clients a second, over the time that the last of them took.
  package var achievedRate = 0.0
  package var seconds = 0.0
  package var scheduled: UInt64 = 0
  package var sent: UInt64 = 0
  package var acknowledged: UInt64 = 0
  /// Sends that left and of which nobody told whether they were processed.
  package var unknownSends: UInt64 = 0
  /// Sends that never left, since their client's queue was full or its session gone.
  package var unsent: UInt64 = 0
  package var tally = LoadTally()
  package var storms: [StormResult] = []
  /// Connections that broke without a storm.
  package var unplannedDrops: UInt64 = 0
  package var dropped: UInt64 = 0
  package var resumed: UInt64 = 0
  /// Drops after which the session did not come back, or came back as a new one.
  package var notResumed: UInt64 = 0
  package var takeovers: UInt64 = 0
  package var latency = Latencies()
  package var service = Latencies()
  package var resume = Latencies()
  package var connect = Latencies()
  /// How late the generator itself was, storms left out.
  package var lag = Latencies()
  package var thresholds: [(threshold: Threshold, value: Double?)] = []
  /// What the servers said last before connections ended, by frequency.
  package var endings: [(text: String, count: UInt64)] = []
  package var isPartial = false
  /// When the traffic began, on the clock of the counterexample.
  package var startNanoseconds: UInt64 = 0

  package init() {}

  package struct StormResult: Sendable {
    package var storm: Storm
    package var dropped: UInt64 = 0
    package var resumed: UInt64 = 0

    package init(_ storm: Storm) { self.storm = storm }
  }

  /// Below this share of the target rate the run says nothing about the server.
  package static let leastShareOfRate = 0.95
  /// Above this lag, at the 99th percentile and outside of storms, the generator was the bottleneck.
  package static let maxLagMilliseconds = 250.0

  package var isBroken: Bool { !tally.isClean || notResumed > 0 }

  /// Why the figures say nothing; nil if they do.
  package var invalidity: String? {
    if targetRate > 0, scheduled > 0, achievedRate < targetRate * LoadReport.leastShareOfRate {
      return "\(LoadText.rate(achievedRate)) achieved of \(LoadText.rate(targetRate)) asked for"
    }
    if let late = lag.milliseconds(percentile: 99), late > LoadReport.maxLagMilliseconds {
      return "it sent \(LoadText.milliseconds(late)) late at the 99th percentile, storms left out"
    }
    return nil
  }

  package var missedThresholds: [Threshold] {
    thresholds.compactMap { LoadReport.holds($0) ? nil : $0.threshold }
  }

  static func holds(_ entry: (threshold: Threshold, value: Double?)) -> Bool {
    entry.value.map { entry.threshold.comparison.holds($0, entry.threshold.bound) } ?? false
  }

  /// A broken promise counts before figures that say nothing, and those before thresholds.
  package var status: ExitStatus {
    if isBroken { return .invariantBroken }
    if isPartial { return .interrupted }
    if invalidity != nil { return .invalidRun }
    return missedThresholds.isEmpty ? .ok : .thresholdMissed
  }

  package mutating func judge(_ asked: [Threshold]) {
    thresholds = asked.map { ($0, value(of: $0.metric)) }
  }

  /// The figure by its name: milliseconds for times. Nil if there is none, as with percentiles of nothing.
  package func value(of metric: String) -> Double? {
    if let dot = metric.firstIndex(of: ".") {
      return distribution(String(metric[..<dot]))?.milliseconds(named: String(metric[metric.index(after: dot)...]))
    }
    if metric == "rate" { return achievedRate }
    return counts.first { $0.name == metric }.map { Double($0.value) }
  }

  func distribution(_ name: String) -> Latencies? {
    switch name {
    case "latency": latency
    case "service": service
    case "resume": resume
    case "connect": connect
    case "lag": lag
    default: nil
    }
  }

  /// The counts by their names in JSON and in thresholds.
  var counts: [(name: String, value: UInt64)] {
    [
      ("scheduled", scheduled), ("sent", sent), ("acknowledged", acknowledged),
      ("unknown_sends", unknownSends), ("unsent", unsent),
      ("expected", tally.expected), ("delivered", tally.delivered), ("lost", tally.lost),
      ("duplicated", tally.duplicated), ("out_of_order", tally.outOfOrder), ("unexplained", tally.unexplained),
      ("gap", tally.gap), ("unknown", tally.unknown), ("dropped", dropped), ("resumed", resumed),
      ("not_resumed", notResumed), ("unplanned_drops", unplannedDrops), ("takeovers", takeovers),
    ]
  }
}
