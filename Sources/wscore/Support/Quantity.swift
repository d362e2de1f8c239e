/// Numbers with a unit, as people write them on a command line. A unit is always asked for: `30` of what?
package enum Quantity {
  /// Reads `250ms`, `30s`, `1.5s`, `2m`, `1h`: at most 366 days.
  package static func duration(_ text: String) -> Duration? {
    let units: [(String, Double)] = [("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]
    guard let seconds = value(text, units), seconds <= 366 * 86_400 else { return nil }
    return .nanoseconds(Int64((seconds * 1e9).rounded()))
  }

  /// Reads `512B`, `64KiB`, `1MiB`, `1GiB`, and `kB`, `MB`, `GB` for powers of ten; whole bytes, at most 1 TiB.
  package static func byteCount(_ text: String) -> Int? {
    let units: [(String, Double)] = [
      ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1),
    ]
    guard let bytes = value(text, units), bytes <= 1_099_511_627_776, bytes == bytes.rounded() else { return nil }
    return Int(bytes)
  }

  /// Reads `5000/s`, `300/m`, `10/h`: how many a second, above zero.
  package static func rate(_ text: String) -> Double? {
    guard let perSecond = value(text, [("/s", 1), ("/m", 1 / 60), ("/h", 1 / 3600)]), perSecond > 0 else { return nil }
    return perSecond
  }

  /// The shortest way to write a duration that `duration` reads back: `"250ms"`, `"1.5s"`, `"2m"`.
  package static func text(_ duration: Duration) -> String {
    let nanoseconds = nanoseconds(duration)
    for (unit, length) in [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000)]
    where nanoseconds != 0 && nanoseconds % Int64(length) == 0 {
      return "\(nanoseconds / Int64(length))\(unit)"
    }
    if nanoseconds == 0 { return "0s" }
    let microseconds = (nanoseconds + 500) / 1000
    guard microseconds >= 1000 else { return "\(microseconds)us" }
    let milliseconds = (microseconds + 500) / 1000
    guard milliseconds >= 1000 else { return "\(milliseconds)ms" }
    return "\(decimal(milliseconds, places: 3))s"
  }

  /// A duration for people: `"84 ms"`, `"1.4 s"`, `"3 m 20 s"`.
  package static func spoken(_ duration: Duration) -> String {
    let milliseconds = nanoseconds(duration) / 1_000_000
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    if milliseconds < 60_000 { return "\(decimal(milliseconds / 100, places: 1)) s" }
    return "\(milliseconds / 60_000) m \(milliseconds / 1000 % 60) s"
  }

  /// The duration in nanoseconds, held at the ends of what Int64 carries.
  package static func nanoseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
    guard !overflow, !overflowed else { return seconds < 0 ? .min : .max }
    return sum
  }

  /// `value / 10^places` without zeros at the end.
  private static func decimal(_ value: Int64, places: Int) -> String {
    let digits = String(value)
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    var fraction = String(padded.suffix(places))
    while fraction.last == "0" { fraction.removeLast() }
    return padded.dropLast(places) + (fraction.isEmpty ? "" : "." + fraction)
  }

  /// A plain decimal number and one of the units, nothing between and nothing after.
  private static func value(_ text: String, _ units: [(String, Double)]) -> Double? {
    for (unit, factor) in units where text.hasSuffix(unit) {
      let number = text.dropLast(unit.count)
      guard isDecimal(number), let value = Double(number) else { continue }
      return value * factor
    }
    return nil
  }

  /// Digits, with at most one point between digits; 15 characters at most, so that a Double holds them.
  private static func isDecimal(_ text: Substring) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return 1...2 ~= parts.count && text.utf8.count <= 15
      && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }
  }
}
