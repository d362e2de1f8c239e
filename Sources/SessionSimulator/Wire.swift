import DequeModule
import SessionCore

/// One transport connection of the simulation, both ends of it.
public final class Wire {
  public let id: Int
  /// The shard that serves it.
  let node: Int
  var slot: Slot?

  /// What came to the client, for tests that read it themselves.
  public internal(set) var received: [String] = []
  /// The close code that the client saw, 1006 where it saw the connection break.
  public internal(set) var closeCode: UInt16?
  /// Nothing goes through any more: what is under way is lost. Either end learns of it in its own time.
  var isBroken = false
  var isClosedAtServer = false
  /// The server's side takes no bytes: the peer does not read.
  var isBlocked = false
  var isPaused = false
  /// What waits while the server does not read.
  var unread: Deque<[UInt8]> = []

  // The way keeps the order in each direction.
  var lastToServer = Instant.zero
  var lastToClient = Instant.zero

  /// The oldest message that the test has not read.
  public func read() -> String? { received.isEmpty ? nil : received.removeFirst() }

  init(id: Int, node: Int) { (self.id, self.node) = (id, node) }
}

/// What a client sees of its wire.
public enum WireEvent {
  case message([UInt8])
  /// 1006: it broke.
  case closed(UInt16)
}
