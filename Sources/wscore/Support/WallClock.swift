import Glibc

/// Times for people and for logs. Foundation is left out: it would double the program's size and start-up time.
package enum WallClock {
  /// The time of day now, as RFC 3339 in UTC with milliseconds: `2026-05-09T12:34:56.789Z`.
  package static func timestamp() -> String {
    let now = read(CLOCK_REALTIME)
    return timestamp(seconds: now.tv_sec, milliseconds: now.tv_nsec / 1_000_000)
  }

  static func timestamp(seconds: Int, milliseconds: Int) -> String {
    var seconds = seconds
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let date = "\(parts.tm_year + 1900)-\(pad(parts.tm_mon + 1))-\(pad(parts.tm_mday))"
    return "\(date)T\(clock(parts)).\(pad(milliseconds, 3))Z"
  }

  /// The time of day in the local zone: `12:34:56.789`.
  package static func timeOfDay() -> String {
    let now = read(CLOCK_REALTIME)
    var seconds = now.tv_sec
    var parts = tm()
    localtime_r(&seconds, &parts)
    return "\(clock(parts)).\(pad(now.tv_nsec / 1_000_000, 3))"
  }

  /// Nanoseconds of the monotonic clock.
  package static func monotonicNanoseconds() -> Int64 {
    let now = read(CLOCK_MONOTONIC)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    clock_gettime(clock, &time)
    return time
  }

  private static func clock(_ parts: tm) -> String {
    "\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))"
  }

  private static func pad(_ value: some BinaryInteger, _ width: Int = 2) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
