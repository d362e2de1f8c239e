import Dispatch
import Glibc
import Synchronization

/// Ctrl-C: the first asks for a verdict over what there is; the second ends the program as ever.
final class LoadInterrupt: Sendable {
  private let flag = Atomic(false)

  var isRaised: Bool { flag.load(ordering: .relaxed) }

  /// Watches from here to the end of the program.
  static func watch() -> LoadInterrupt {
    let interrupt = LoadInterrupt()
    // The source only hears of a signal that does not end the process.
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    // The handler holds the source, which would be gone otherwise.
    source.setEventHandler {
      if interrupt.flag.exchange(true, ordering: .relaxed) { _exit(ExitStatus.interrupted.rawValue) }
      withExtendedLifetime(source) {}
    }
    source.resume()
    return interrupt
  }
}
