import Glibc

/// Ctrl-C and a plain `kill` end the program at once, with the status that a shell would give them. Every line is
/// written whole before the next is read, so that there is nothing to save.
enum EndingSignals {
  static func install() {
    signal(SIGINT) { _ in _exit(ExitStatus.interrupted.rawValue) }
    signal(SIGTERM) { _ in _exit(ExitStatus.terminated.rawValue) }
  }
}
