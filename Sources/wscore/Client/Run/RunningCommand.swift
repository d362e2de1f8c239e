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

  /// How long nothing may move before a script is done, in nanoseconds: an acknowledgement may stand in a message in
  /// front of the reply, and in version 1 there are none.
  func quietTime(_ version: UInt64) -> Int64 { version == 1 ? RunningCommand.idleTime : 50_000_000 }

  /// When the loop has to look again even if nothing happens.
  func wakesAt(_ run: ClientRun) -> Int64 {
    let quiet: Int64? = switch waiting {
    case .condition(.idle): RunningCommand.idleTime
    case .drained: quietTime(run.ledger.version)
    default: nil
    }
    guard let quiet else { return deadline }
    let due = max(run.lastTraffic, startedAt) + quiet
    // What was quiet long enough waits for something else, which wakes the loop by itself.
    return due > run.now ? min(deadline, due) : deadline
  }
}
