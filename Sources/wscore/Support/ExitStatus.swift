/// What the process tells its caller: the numbers of sysexits.h where one fits, those of a shell for time and signals.
package enum ExitStatus: Int32, Error, CaseIterable, Sendable {
  case ok = 0
  /// An operation or an expectation failed.
  case failed = 1
  case usage = 64
  /// A script, a scenario or other input is wrong.
  case dataError = 65
  /// A file that was named cannot be read.
  case noInput = 66
  /// Nobody answers, or the budget for reconnecting is spent.
  case unavailable = 69
  /// A fault of the program itself.
  case bug = 70
  case cannotCreate = 73
  case ioError = 74
  /// The server is draining or busy: the same again later may succeed.
  case tryAgain = 75
  /// The peer broke the protocol, or says that we did.
  case protocolError = 76
  /// The credential, or a right, is missing.
  case notPermitted = 77
  case configuration = 78
  /// `load`: a message was lost, repeated, out of order or unexplained.
  case invariantBroken = 97
  /// `load`: the generator was the bottleneck, so its numbers say nothing.
  case invalidRun = 98
  /// `load`: a threshold was missed.
  case thresholdMissed = 99
  case timedOut = 124
  case interrupted = 130
  /// Whoever read standard output went away.
  case brokenPipe = 141
  case terminated = 143
}
