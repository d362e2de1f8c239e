/// What comes of a room's older messages, and what does not: in the reply to `join`, and in `welcome.rooms`.
public struct RoomContinuity: Sendable, Equatable {
  /// Offsets of the messages that come, marked as history; nil if none does.
  public var history: ClosedRange<UInt64>?
  /// Whether everything that was asked for comes, or nothing was missed.
  public var isContinuous: Bool
  /// Offsets, in the room's present log, of what was asked for and cannot come.
  public var lost: ClosedRange<UInt64>?

  init(history: ClosedRange<UInt64>? = nil, isContinuous: Bool) {
    (self.history, self.isContinuous) = (history, isContinuous)
  }

  package init(wanted: ClosedRange<UInt64>?, given: ClosedRange<UInt64>?, isSameLog: Bool) {
    history = given
    if let wanted, let given {
      lost = given.lowerBound > wanted.lowerBound ? wanted.lowerBound...given.lowerBound - 1 : nil
    } else {
      lost = wanted
    }
    isContinuous = isSameLog && lost == nil
  }

  var members: [JSONValue.Member] {
    var members: [JSONValue.Member] = [
      .init("history", history.map(RoomContinuity.json) ?? .null), .init("continuous", .bool(isContinuous)),
    ]
    if let lost { members.append(.init("lost", RoomContinuity.json(lost))) }
    return members
  }

  /// Reads what a reply to `join` or an element of `welcome.rooms` says; nil if it says nothing of it.
  public init?(_ json: JSONValue) {
    guard let isContinuous = json["continuous"]?.boolValue else { return nil }
    self.isContinuous = isContinuous
    (history, lost) = (RoomContinuity.range(json["history"]), RoomContinuity.range(json["lost"]))
  }

  private static func json(_ range: ClosedRange<UInt64>) -> JSONValue {
    .object([.init("from", .int(range.lowerBound)), .init("to", .int(range.upperBound))])
  }

  private static func range(_ json: JSONValue?) -> ClosedRange<UInt64>? {
    guard let from = json?["from"]?.unsignedValue, let to = json?["to"]?.unsignedValue, 1...to ~= from else { return nil }
    return from...to
  }
}

extension Shard {
  /// Whether a session that goes on has missed nothing of a room, where the room keeps a history to look it up in. What
  /// it was not sent is in its own outbox, so nothing comes from there.
  /// - Parameter holes: of the session's outbox.
  func continuity(_ session: Session, _ membership: Membership, _ hello: Hello, _ holes: Holes) -> RoomContinuity? {
    guard limits.policy(of: membership.name).history != nil else { return nil }
    let known = hello.resume?.positions[membership.name]
    if session.version == 1 || session.missedCount > 0 {
      return RoomContinuity(isContinuous: known == membership.position)
    }
    let isSameLog = known.map { $0.log == membership.position.log } ?? true
    return RoomContinuity(isContinuous: isSameLog && !holes.mayConcern(membership.name))
  }
}
