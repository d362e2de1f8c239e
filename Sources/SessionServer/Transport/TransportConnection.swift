import NIOCore
import SessionCore

/// One connection as its driver sees it, whatever carries it: the seam between sessions and transports. WebSocket, event
/// streams and the transport without a network stand on it, and nothing that a driver or a shard does depends on which.
///
/// A class and not a protocol: what the driver looks at for each message lies in the object itself. A transport is
/// called once for all that a connection is sent in a tick, in which it frames the messages its own way; never for a
/// single byte. It lives on its driver's loop.
class TransportConnection {
  final let driver: ShardDriver
  /// The shard's name for the connection, from `ShardDriver.open` until `ShardDriver.left`.
  final var slot: Slot?
  /// Why no messages are taken now.
  struct Holds: OptionSet {
    let rawValue: UInt8

    /// The shard has enough for now.
    static let session = Holds(rawValue: 1)
    /// The peer sends faster than it may.
    static let rate = Holds(rawValue: 2)
    /// What is given back waits to be read.
    static let output = Holds(rawValue: 4)
  }

  final var holds: Holds = []
  /// No messages are taken.
  final var isPaused: Bool { !holds.isEmpty }
  /// Whether `write` is to be told which ends of messages are shared.
  final var keepsTails = false
  /// Whether the transport takes bytes; what is not written waits in the shard.
  private(set) final var isWritable = true
  /// When it stopped taking bytes that were wanted to be sent, nil while it takes them.
  private final var stalledAt: Instant?
  private final var messagePace = PaceMeter()
  private final var bytePace = PaceMeter()

  init(driver: ShardDriver) { self.driver = driver }

  /// Asks for what a write touches of the object: what stands in front, and the first variables of a transport's own.
  final func prefetch() { Prefetch.object(self, byteCount: 256) }

  // MARK: What a transport does

  /// Asks for what a write touches behind the object, whose own memory was asked for before.
  func prefetchSocket() {}

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

  // MARK: Pace

  /// A held peer is looked at so often, at least: while it is not read it cannot show that it lives.
  private final var maxHoldNanoseconds: UInt64 {
    let limits = driver.services.configuration.limits
    return min(1_000, limits.pingIntervalMilliseconds / 2, limits.pingTimeoutMilliseconds / 2) * 1_000_000
  }

  /// And not more often than this, however little is missing.
  private static let minHoldNanoseconds: UInt64 = 5_000_000

  /// A message was taken: the next one may have to wait.
  final func charge(_ byteCount: Int, _ traffic: TrafficLimits) {
    if let limit = traffic.messages, messagePace.charge(1, limit, driver.now) > 0 { holdForRate(.messageRate) }
    if let limit = traffic.bytes, bytePace.charge(byteCount, limit, driver.now) > 0 { holdForRate(.byteRate) }
  }

  private final func holdForRate(_ limit: ServerLimit) {
    // A connection that is being closed is read to its end.
    guard slot != nil, !holds.contains(.rate) else { return }
    driver.services.limits.count(limit)
    holds.insert(.rate)
    scheduleRelease()
  }

  private final var debt: UInt64 {
    let traffic = driver.services.configuration.traffic
    return max(
      traffic.messages.map { messagePace.debt($0, driver.now) } ?? 0,
      traffic.bytes.map { bytePace.debt($0, driver.now) } ?? 0)
  }

  private final func scheduleRelease() {
    let wait = max(min(debt, maxHoldNanoseconds), TransportConnection.minHoldNanoseconds)
    let connection = NIOLoopBound(self, eventLoop: driver.loop)
    driver.loop.scheduleTask(in: .nanoseconds(Int64(wait))) { connection.value.releaseIsDue() }
  }

  private final func releaseIsDue() {
    _ = driver.readClock()
    // The connection may have ended meanwhile.
    guard holds.contains(.rate), let slot else { return }
    driver.heard(slot)
    guard debt == 0 else { return scheduleRelease() }
    holds.remove(.rate)
    driver.resumeLater(self)
  }

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
