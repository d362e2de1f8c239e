/// How long a client waits before it connects again: "full jitter", so evenly between 0 and a bound that doubles with
/// each attempt and begins anew once a connection was stable. PROTOCOL.md, "Reconnecting".
public struct Backoff: Sendable, Equatable {
  /// The bound of the first wait.
  public var floorMilliseconds: UInt64
  /// The highest bound.
  public var ceilingMilliseconds: UInt64
  /// How long a connection must have been welcomed for the bound to begin anew.
  public var stableMilliseconds: UInt64
  /// Longest time for which a server is believed that asks to be left alone.
  public static let maxAdvisedMilliseconds: UInt64 = 3_600_000

  /// Waits since the last stable connection.
  private var waitCount: UInt64 = 0

  public init(
    floorMilliseconds: UInt64 = 500, ceilingMilliseconds: UInt64 = 30_000, stableMilliseconds: UInt64 = 10_000
  ) {
    (self.floorMilliseconds, self.ceilingMilliseconds) = (floorMilliseconds, ceilingMilliseconds)
    self.stableMilliseconds = stableMilliseconds
  }

  /// The next wait. `advised` is the least that the server asked for; many clients may have been told the same, so
  /// the jitter is added to it.
  public mutating func next(advised: UInt64?, using random: inout some RandomNumberGenerator) -> UInt64 {
    var bound = min(floorMilliseconds, ceilingMilliseconds)
    for _ in 0..<min(waitCount, 63) where bound < ceilingMilliseconds {
      bound = bound > ceilingMilliseconds / 2 ? ceilingMilliseconds : bound * 2
    }
    waitCount += 1
    let jitter = UInt64.random(in: 0...bound, using: &random)
    let (sum, overflowed) = min(advised ?? 0, Backoff.maxAdvisedMilliseconds).addingReportingOverflow(jitter)
    return overflowed ? jitter : sum
  }

  /// A connection ended that had been welcomed for so long.
  public mutating func ended(afterMilliseconds welcomed: UInt64) {
    if welcomed >= stableMilliseconds { waitCount = 0 }
  }

  /// The next wait is like the first.
  public mutating func reset() { waitCount = 0 }
}
