/// A moment on the driver's monotonic clock: nanoseconds since some fixed start. The core never asks for the time, it is told.
public struct Instant: Comparable, Hashable, Sendable {
  public var nanoseconds: UInt64

  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static let zero = Instant(nanoseconds: 0)
  /// Later than every other moment.
  public static let never = Instant(nanoseconds: .max)

  public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// `milliseconds` later; stays at `.never` rather than wrap.
  public func advanced(byMilliseconds milliseconds: UInt64) -> Instant {
    let (product, overflowed) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, alsoOverflowed) = nanoseconds.addingReportingOverflow(product)
    return overflowed || alsoOverflowed ? .never : Instant(nanoseconds: sum)
  }

  /// Milliseconds from `earlier` to here, 0 if it is not earlier.
  public func milliseconds(since earlier: Instant) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? (nanoseconds - earlier.nanoseconds) / 1_000_000 : 0
  }
}
