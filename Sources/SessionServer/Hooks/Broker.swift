import SessionCore

/// Gives the messages of rooms their positions, and may keep or forward them.
public protocol Broker: Sendable {
  /// The log of one shard's rooms. `complete` takes the answers that come later, from any thread.
  func makeLog(
    shard: Int, complete: @escaping @Sendable (LogToken, LogPosition) -> Void
  ) -> any RoomLog
}

/// Used on one event loop only.
public protocol RoomLog: AnyObject {
  /// The position if it is known at once; nil if `complete` will tell it. Answers of one room come in the order of its
  /// operations; `LogOperation.close` is not answered.
  func perform(_ operation: LogOperation, _ token: LogToken) -> LogPosition?
}

/// Counts, and keeps nothing: a room's log lives as long as the room.
public struct MemoryBroker: Broker {
  public init() {}

  public func makeLog(
    shard: Int, complete: @escaping @Sendable (LogToken, LogPosition) -> Void
  ) -> any RoomLog {
    MemoryLog()
  }
}

private final class MemoryLog: RoomLog {
  /// Where a room stands. An object, since a value would be taken out of the map and put back for each message.
  private final class Count {
    var position: LogPosition

    init(_ position: LogPosition) { self.position = position }
  }

  private var counts = NameMap<Count>()
  private var random = SystemRandomNumberGenerator()

  func perform(_ operation: LogOperation, _ token: LogToken) -> LogPosition? {
    switch operation {
    case .open(let room):
      let count = counts[room] ?? Count(LogPosition(log: random.next(), offset: 0))
      counts[room] = count
      return count.position
    case .append(let room, _):
      guard let count = counts[room] else { return nil }
      count.position.offset += 1
      return count.position
    case .close(let room):
      counts[room] = nil
      return nil
    }
  }
}
