/// `P%@T`: at T after the start of the traffic, P percent of the sessions lose their connection at once.
package struct Storm: Equatable, Sendable {
  /// 0 < percent ≤ 100.
  package var percent: Double
  package var at: Duration

  package init(percent: Double, at: Duration) {
    self.percent = percent
    self.at = at
  }

  /// Reads `100%@15s` and `2.5%@500ms`; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].hasSuffix("%"), let at = Quantity.duration(String(parts[1])) else { return nil }
    let number = parts[0].dropLast()
    guard number.utf8.allSatisfy({ 0x30...0x39 ~= $0 || $0 == 0x2E }), let percent = Double(number),
      percent > 0, percent <= 100
    else { return nil }
    (self.percent, self.at) = (percent, at)
  }

  /// How many of `sessions` it drops: at least one.
  package func dropCount(of sessions: Int) -> Int {
    max(1, Int((Double(sessions) * percent / 100).rounded()))
  }
}

/// `FLOOR..CEILING`: the bounds of the wait before the first and before any later attempt to reconnect.
package struct BackoffRange: Equatable, Sendable {
  package var floor: Duration
  package var ceiling: Duration

  package init(floor: Duration, ceiling: Duration) {
    self.floor = floor
    self.ceiling = ceiling
  }

  /// Reads `50ms..2s`.
  package init?(_ text: String) {
    guard let dots = text.firstRange(of: ".."), let floor = Quantity.duration(String(text[..<dots.lowerBound])),
      let ceiling = Quantity.duration(String(text[dots.upperBound...])), floor <= ceiling
    else { return nil }
    (self.floor, self.ceiling) = (floor, ceiling)
  }

  package var description: String { "\(Quantity.text(floor))..\(Quantity.text(ceiling))" }
}
