/// How often something happened lately, against a bound: a bucket of `count` places that fills by one with each event
/// and loses one with each `step` of time. One number is all its memory: when the bucket will be empty.
struct RateBucket: Sendable {
  private var emptyAt = Instant.zero

  struct Bound {
    /// Nanoseconds for one place to become free.
    let step: UInt64
    /// Nanoseconds for all of them.
    fileprivate let size: UInt64

    /// `count` events at once and, from then on, `count` in each window.
    /// - Precondition: `count` is at least 1.
    init(count: Int, windowMilliseconds: UInt64) {
      self.init(count: count, step: min(windowMilliseconds, 86_400_000) * 1_000_000 / UInt64(max(1, count)))
    }

    /// `count` events at once and, from then on, `rate` in each second.
    /// - Precondition: both are at least 1.
    init(count: Int, ratePerSecond rate: Int) { self.init(count: count, step: 1_000_000_000 / UInt64(max(1, rate))) }

    private init(count: Int, step: UInt64) {
      precondition(count > 0, "a bucket has a place")
      self.step = max(1, step)
      size = self.step * UInt64(min(count, 1 << 24))
    }
  }

  /// Nil if there was room, else the nanoseconds until there will be.
  mutating func take(_ bound: Bound, now: Instant) -> UInt64? {
    let base = max(emptyAt.nanoseconds, now.nanoseconds)
    let filled = base - now.nanoseconds + bound.step
    guard filled <= bound.size else { return filled - bound.size }
    emptyAt = Instant(nanoseconds: base + bound.step)
    return nil
  }
}
