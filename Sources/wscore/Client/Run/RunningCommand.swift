/// A command that is not over yet: what it waits for, and until when.
struct RunningCommand {
  enum Waiting {
    /// To be online, and then to run.
    case online(Command)
    case message(MessageExpectation)
    case state(Command.StateExpectation)
    case condition(Command.Condition)
    case time
    /// The end of a script: for what is outstanding.
    case drained
    case forever
  }

  var waiting: Waiting
  /// As it was written, for messages.
  var text: String
  var place: String?
  var startedAt: Int64
  var deadline: Int64

  /// How long nothing may move for `wait idle`.
  static let idleTime: Int64 = 250_000_000

  /// When the loop has to look again even if nothing happens.
  func wakesAt(_ run: ClientRun) -> Int64 {
    if case .condition(.idle) = waiting { return min(deadline, max(run.lastTraffic, startedAt) + RunningCommand.idleTime) }
    return deadline
  }
}
