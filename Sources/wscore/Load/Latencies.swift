import Histogram

/// A distribution of times with three significant digits, 1 µs to an hour; longer ones count as an hour.
package struct Latencies: Sendable {
  private var histogram = Histogram<UInt64>(
    lowestDiscernibleValue: 1, highestTrackableValue: Latencies.maxMicroseconds, numberOfSignificantValueDigits: .three)

  private static let maxMicroseconds: UInt64 = 3_600_000_000

  package init() {}

  package var count: UInt64 { histogram.totalCount }

  package mutating func record(nanoseconds: UInt64) {
    _ = histogram.record(min(nanoseconds / 1000, Latencies.maxMicroseconds))
  }

  /// The time from `start` to `end`; clocks of one machine do not run backwards, but a payload may have been changed.
  package mutating func record(from start: UInt64, to end: UInt64) {
    record(nanoseconds: end > start ? end - start : 0)
  }

  package mutating func add(_ other: Latencies) { histogram.add(other.histogram) }

  /// - Parameter percentile: 0…100.
  /// - Returns: the time at the percentile in milliseconds; nil if nothing was recorded.
  package func milliseconds(percentile: Double) -> Double? {
    count == 0 ? nil : Double(histogram.valueAtPercentile(percentile)) / 1000
  }

  package var maxMilliseconds: Double? { count == 0 ? nil : Double(histogram.maxRecorded) / 1000 }

  /// The value by its name in reports and thresholds: `p50`, `p99.9`, `max`, `mean`.
  package func milliseconds(named name: String) -> Double? {
    switch name {
    case "max": maxMilliseconds
    case "mean": count == 0 ? nil : histogram.mean / 1000
    default: Latencies.percentile(name).flatMap { milliseconds(percentile: $0) }
    }
  }

  package static func isName(_ name: String) -> Bool { ["max", "mean"].contains(name) || percentile(name) != nil }

  private static func percentile(_ name: String) -> Double? {
    guard name.first == "p", name.dropFirst().utf8.allSatisfy({ 0x30...0x39 ~= $0 || $0 == 0x2E }),
      let value = Double(name.dropFirst()), value <= 100
    else { return nil }
    return value
  }
}
