import DequeModule
import SessionCore

/// One transport connection of the simulation, both ends of it, and what may be wrong between them.
public final class Wire {
  public let id: Int
  /// The shard that serves it.
  let node: Int
  var slot: Slot?

  /// What came to the client, for tests that read it themselves.
  public internal(set) var received: [String] = []
  /// The close code that the client saw, 1006 where it saw the connection break.
  public internal(set) var closeCode: UInt16?

  /// The end that is no server: told of what comes, where it is not a test that reads.
  var client: (any WireClient)?
  /// Nothing goes through any more: what is under way is lost. Either end learns of it in its own time.
  var isBroken = false
  /// One way is dead, and no end knows.
  var losesToServer = false
  var losesToClient = false
  /// The server has begun to close it, and the transport is gone there.
  var isClosingAtServer = false
  var isClosedAtServer = false
  /// The server's side takes no bytes: the peer does not read. Since when bytes wait for it.
  var isBlocked = false
  var blockedSince = Instant.never
  var unblockedAt = Instant.zero
  var isDirty = false
  var isPaused = false
  /// What waits while the server does not read.
  var unread: Deque<[UInt8]> = []

  // The way keeps the order in each direction; what is stuck comes when it is free again.
  var lastToServer = Instant.zero
  var lastToClient = Instant.zero
  var stuckUntil = Instant.zero
  /// Delays of this wire follow from the world's seed and its own number: what others do does not change them.
  var dice: Dice

  /// The oldest message that the test has not read.
  public func read() -> String? { received.isEmpty ? nil : received.removeFirst() }

  init(id: Int, node: Int, dice: Dice) { (self.id, self.node, self.dice) = (id, node, dice) }
}

/// What a client sees of its wire, for tests.
public enum WireEvent {
  case message([UInt8])
  /// 1006: it broke.
  case closed(UInt16)
}

/// The client's end of a wire.
protocol WireClient: AnyObject {
  /// Messages that came together.
  func heard(_ wire: Wire, _ bytes: [UInt8], _ messages: [Range<Int>])
  func closed(_ wire: Wire, _ code: UInt16)
  /// The transport's own ping or pong came: the peer lives.
  func heardTransport(_ wire: Wire)
}

extension WireClient {
  func heardTransport(_ wire: Wire) {}
}

/// Who looks on at the server's end of everything.
protocol WorldObserver: AnyObject {
  func opened(_ wire: Wire)
  /// A message is handed to the shard.
  func arrives(_ wire: Wire, _ message: [UInt8])
  /// The shard has taken it, or not.
  func arrived(_ wire: Wire, _ intake: Intake)
  func wrote(_ wire: Wire, _ buffer: borrowing OutputBuffer)
  /// The shard has closed it; the transport follows.
  func closing(_ wire: Wire, _ code: UInt16)
  func gone(_ wire: Wire)
  func happened(_ event: LifecycleEvent, node: Int)
  /// - Parameter token: what `handled` will name; nil where the handler answers at once.
  func delivered(_ delivery: Delivery, _ token: HandlerToken?, node: Int)
  func handled(_ token: HandlerToken, _ sid: SessionID)
  func logged(_ room: String, _ position: LogPosition, _ event: RoomEvent)
  /// Some event of the world is over, and nothing is left that was to happen at once.
  func settled()
}
