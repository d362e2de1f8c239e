import CReadline
import Glibc

/// A descriptor by which other threads, and signal handlers, end the main thread's `poll`.
final class Wakeup: Sendable {
  let descriptor: Int32

  init() throws(CLIError) {
    descriptor = wsr_wakeup_create()
    guard descriptor >= 0 else {
      throw CLIError("cannot create an eventfd: \(String(cString: strerror(errno)))", status: .bug)
    }
  }

  deinit { close(descriptor) }

  func signal() { wsr_wakeup_signal(descriptor) }

  func clear() { wsr_wakeup_clear(descriptor) }
}

/// The signals that came since one looked last.
struct CaughtSignals: OptionSet {
  let rawValue: UInt32

  static let interrupt = CaughtSignals(WSR_INTERRUPT)
  static let terminate = CaughtSignals(WSR_TERMINATE)
  static let hangup = CaughtSignals(WSR_HANGUP)
  static let resize = CaughtSignals(WSR_RESIZE)
  static let suspend = CaughtSignals(WSR_SUSPEND)
  static let resume = CaughtSignals(WSR_CONTINUE)

  init(rawValue: UInt32) { self.rawValue = rawValue }

  private init<Bit: BinaryInteger>(_ bit: Bit) { rawValue = UInt32(truncatingIfNeeded: bit) }

  /// Catches them from now on; each signals `wakeup`, which must live as long as the process.
  static func install(_ wakeup: Wakeup) { wsr_signals_install(wakeup.descriptor) }

  static func take() -> CaughtSignals { CaughtSignals(rawValue: wsr_signals_take()) }
}
