import SessionCore

/// So many in a second, and so many more at once after a quiet time: a token bucket.
public struct RateLimit: Sendable, Equatable {
  public var perSecond: Int
  public var burst: Int

  /// - Precondition: both are 1…2^40.
  public init(perSecond: Int, burst: Int) {
    precondition(1...1 << 40 ~= perSecond && 1...1 << 40 ~= burst, "a rate has bounds")
    (self.perSecond, self.burst) = (perSecond, burst)
  }
}

/// How much of a `RateLimit` is used up; the limit itself is the same for all. One number is all its memory: when the
/// bucket will be full again.
package struct PaceMeter: Sendable {
  private var fullAt: UInt64 = 0

  package init() {}

  /// Takes so much, whether it is there or not, and returns the nanoseconds until what is missing has come: 0 if nothing
  /// is missing.
  package mutating func charge(_ amount: Int, _ limit: RateLimit, _ now: Instant) -> UInt64 {
    fullAt = max(fullAt, now.nanoseconds) &+ PaceMeter.nanoseconds(for: amount, limit)
    return debt(limit, now)
  }

  /// Takes one if it is there.
  package mutating func take(_ limit: RateLimit, _ now: Instant) -> Bool {
    var changed = self
    guard changed.charge(1, limit, now) == 0 else { return false }
    self = changed
    return true
  }

  /// The nanoseconds until nothing is missing.
  package func debt(_ limit: RateLimit, _ now: Instant) -> UInt64 {
    let until = max(fullAt, now.nanoseconds) - now.nanoseconds
    let burst = PaceMeter.nanoseconds(for: limit.burst, limit)
    return until > burst ? until - burst : 0
  }

  package func isEmpty(_ limit: RateLimit, _ now: Instant) -> Bool { fullAt <= now.nanoseconds }

  /// Rounded up, and at most a day, so that no amount is free and none is too much.
  private static func nanoseconds(for amount: Int, _ limit: RateLimit) -> UInt64 {
    let rate = UInt64(limit.perSecond)
    let product = UInt64(amount).multipliedFullWidth(by: 1_000_000_000)
    guard product.high < rate else { return 86_400_000_000_000 }
    let (quotient, remainder) = rate.dividingFullWidth(product)
    return min(quotient + (remainder > 0 ? 1 : 0), 86_400_000_000_000)
  }
}

/// Bounds of what one connection may send in a second; nil for none.
public struct TrafficLimits: Sendable, Equatable {
  /// Messages. A client that sends more is not read until it may go on.
  public var messages: RateLimit?
  /// Bytes of messages, as they are after decompression. The same.
  public var bytes: RateLimit?
  /// Control frames of WebSocket: pings and pongs. A client that sends more is closed with 1008.
  public var controlFrames: RateLimit? = RateLimit(perSecond: 1_000, burst: 5_000)

  public init() {}
}
