import NIOCore
import SessionCore

/// One connection as its driver sees it, whatever carries it: the seam between sessions and transports. WebSocket, event
/// streams and the transport without a network stand on it, and nothing that a driver or a shard does depends on which.
///
/// A class and not a protocol: what the driver looks at for each message lies in the object itself. A transport is
/// called once for all that a connection is sent in a tick, in which it frames the messages its own way; never for a
/// single byte. It lives on its driver's loop. What each message touches is not checked for overlapping access at run time:
/// these variables are only read and set, so no access lasts until another begins.
class TransportConnection {
  final let driver: ShardDriver
  /// The shard's name for the connection, from `ShardDriver.open` until `ShardDriver.left`.
  @exclusivity(unchecked) final var slot: Slot?
  /// The shard takes no messages.
  @exclusivity(unchecked) final var isPaused = false
  /// Whether `write` is to be told which ends of messages are shared.
  @exclusivity(unchecked) final var keepsTails = false
  /// Whether the transport takes bytes; what is not written waits in the shard.
  @exclusivity(unchecked) private(set) final var isWritable = true
  /// When it stopped taking bytes that were wanted to be sent, nil while it takes them.
  @exclusivity(unchecked) private final var stalledAt: Instant?

  init(driver: ShardDriver) { self.driver = driver }

  // MARK: What a transport does

  /// Sends all that is in `output`, framed in `scratch`, with one write. Both are empty of use to anyone else meanwhile:
  /// a write that fails may lead back to the driver.
  func write(_ output: inout OutputBuffer, through scratch: inout ByteBuffer) {
    preconditionFailure("a transport writes")
  }

  /// Sends what the shard still has (`ShardDriver.drainLast`), tells the peer why it ends, and leaves the driver. The
  /// code is PROTOCOL.md's; each transport has its own form for it.
  func close(_ code: UInt16, _ reason: String) { preconditionFailure("a transport closes") }

  /// Sends the transport's own ping. `ShardDriver.heard` tells that the peer lives.
  func sendPing() { preconditionFailure("a transport has a ping") }

  /// Hands to the shard what came while it took nothing.
  func takeHeld() {}

  /// Lets the peer send again, after `takeHeld`.
  func readOn() {}

  /// Writes what is not the shard's, on a connection that the shard does not know.
  func drainUnattached() {}

  /// The driver is about to end, and hears nothing any more; sockets close by themselves.
  func driverStops() {}

  // MARK: Writability

  /// The transport takes bytes again, or no longer.
  final func writabilityChanged(_ isWritable: Bool) {
    self.isWritable = isWritable
    guard isWritable, stalledAt != nil else { return }
    stalledAt = nil
    driver.markDirty(self)
  }

  /// `markDirty` when the transport takes bytes again.
  final func waitForWritability() {
    guard stalledAt == nil else { return }
    stalledAt = driver.now
    driver.expectWritability(of: self)
  }

  /// Whether the peer has read nothing for so long.
  final func hasStalled(at now: Instant, forMilliseconds milliseconds: UInt64) -> Bool {
    stalledAt.map { now.milliseconds(since: $0) >= milliseconds } ?? false
  }
}
