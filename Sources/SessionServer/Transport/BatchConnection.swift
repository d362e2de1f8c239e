import DequeModule
import SessionCore

/// Messages that come together, and whom to tell what became of them.
struct Batch: Sendable {
  var bytes: [UInt8]
  /// One message in each line that is not empty, instead of one in all.
  var isLines: Bool
  /// Called once, on any thread.
  var done: @Sendable (BatchOutcome) -> Void
}

enum BatchOutcome: Sendable, Equatable {
  /// The shard has all of it; what it says of it comes on the way down.
  case taken
  /// Too much waits already: the connection is being closed.
  case exceeded
  /// The connection ended before all of it was taken, or with the last of it.
  case closed(code: UInt16, reason: String, hadAll: Bool)
  /// There is no such connection.
  case unknown
}

/// A connection whose messages do not come out of a socket of its own, so that its peer waits for the answer to what
/// it sent instead: a batch is done when the shard has all of it, later if the session takes nothing for a while.
class BatchConnection: TransportConnection {
  private let transport: Transport
  /// Batches that may wait.
  private let maxHeldCount: Int
  private var held: Deque<Batch> = []
  /// How much of the first one was taken.
  private var offset = 0
  private var ending: (code: UInt16, reason: String)?

  init(driver: ShardDriver, transport: Transport, maxHeldCount: Int) {
    (self.transport, self.maxHeldCount) = (transport, maxHeldCount)
    super.init(driver: driver)
  }

  final func open(remote: String, credential: Secret?, verifiedSubject: String? = nil) {
    driver.services.connectionCount.wrappingAdd(1, ordering: .relaxed)
    driver.open(
      self, transport,
      ConnectionDescription(
        transport: transport.rawValue, remote: remote, credential: credential, verifiedSubject: verifiedSubject))
  }

  /// Takes leave of the shard. What has not been taken is told so.
  final func leave(code: UInt16?, reason: String) {
    guard let slot else { return }
    self.slot = nil
    let ending = (code: code ?? 1006, reason: reason)
    self.ending = ending
    driver.services.connectionCount.wrappingSubtract(1, ordering: .relaxed)
    driver.left(slot, transport, code: code, reason: reason)
    while let batch = held.popFirst() {
      batch.done(.closed(code: ending.code, reason: ending.reason, hadAll: nextMessage(batch) == nil))
      offset = 0
    }
  }

  // MARK: What comes

  final func take(_ batch: Batch) {
    guard let slot else {
      return batch.done(ending.map { .closed(code: $0.code, reason: $0.reason, hadAll: false) } ?? .unknown)
    }
    _ = driver.readClock()
    driver.heard(slot)
    guard held.count < maxHeldCount else {
      batch.done(.exceeded)
      return driver.exceedWindow(slot)
    }
    held.append(batch)
    if held.count == 1 { takeHeld() }
    driver.scheduleTick()
  }

  final override func takeHeld() {
    while !isPaused, slot != nil, let batch = held.first { take(first: batch) }
  }

  private func take(first batch: Batch) {
    while let slot, !isPaused, let message = nextMessage(batch) {
      driver.receive(batch.bytes.span.extracting(message), isUTF8: false, self, slot)
    }
    // Whoever ended the connection meanwhile has told of the batch.
    guard slot != nil, offset == batch.bytes.count else { return }
    offset = 0
    held.removeFirst()
    batch.done(.taken)
  }

  /// Where the next message lies, and the end of it as the place to go on from.
  private func nextMessage(_ batch: Batch) -> Range<Int>? {
    let bytes = batch.bytes
    guard batch.isLines else {
      defer { offset = bytes.count }
      return offset < bytes.count ? offset..<bytes.count : nil
    }
    while offset < bytes.count {
      let start = offset
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      offset = min(end + 1, bytes.count)
      let last = end > start && bytes[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
      if last > start { return start..<last }
    }
    return nil
  }
}
