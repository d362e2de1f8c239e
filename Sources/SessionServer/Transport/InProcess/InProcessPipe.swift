import DequeModule
import NIOCore
import SessionCore
import Synchronization

/// What lies between the loop that a connection lives on and the task that uses it.
final class InProcessPipe: Sendable {
  fileprivate struct State {
    var messages: Deque<[UInt8]> = []
    var byteCount = 0
    var ending: (code: UInt16, reason: String)?
    var receiver: CheckedContinuation<InProcessConnection.Incoming, Never>?
    /// The link waits for room.
    var isFull = false
  }

  /// What may wait to be received before the shard keeps the rest.
  private static let highWatermark = 65_536

  private let state = Mutex(State())
  private let loop: any EventLoop
  /// On the loop alone.
  private let link: NIOLoopBoundBox<InProcessLink?>

  init(loop: any EventLoop) {
    self.loop = loop
    link = .makeEmptyBox(valueType: InProcessLink.self, eventLoop: loop)
  }

  // MARK: On the loop

  func open(_ driver: ShardDriver, credential: Secret?) {
    let link = InProcessLink(driver: driver, pipe: self)
    self.link.value = link
    link.open(remote: "in-process", credential: credential)
  }

  /// False if the link has to wait for room.
  func put(_ output: OutputBuffer) -> Bool {
    let (receiver, isOpen) = state.withLock { state in
      for range in output.messages { state.messages.append(Array(output.bytes[range])) }
      state.byteCount += output.messages.reduce(0) { $0 + $1.count }
      let receiver = state.takeReceiver()
      state.isFull = state.byteCount >= InProcessPipe.highWatermark
      return (receiver, !state.isFull)
    }
    receiver?()
    return isOpen
  }

  func end(code: UInt16, reason: String) {
    link.value = nil
    let receiver = state.withLock { state in
      state.ending = state.ending ?? (code, reason)
      return state.takeReceiver()
    }
    receiver?()
  }

  // MARK: On any thread

  func send(_ message: [UInt8]) async -> BatchOutcome {
    await withCheckedContinuation { continuation in
      if let ending = state.withLock({ $0.ending }) {
        return continuation.resume(returning: .closed(code: ending.code, reason: ending.reason, hadAll: false))
      }
      let batch = Batch(bytes: message, isLines: false) { continuation.resume(returning: $0) }
      loop.execute { [self] in
        guard let link = link.value else {
          return batch.done(.closed(code: 1_006, reason: "the connection has ended", hadAll: false))
        }
        link.takeOne(batch)
      }
    }
  }

  func receive() async -> InProcessConnection.Incoming {
    await withCheckedContinuation { continuation in
      let (receiver, hasRoom) = state.withLock { state in
        precondition(state.receiver == nil, "one caller receives at a time")
        state.receiver = continuation
        let receiver = state.takeReceiver()
        let hasRoom = state.isFull && state.byteCount < InProcessPipe.highWatermark / 2
        if hasRoom { state.isFull = false }
        return (receiver, hasRoom)
      }
      receiver?()
      if hasRoom { loop.execute { [self] in link.value?.writabilityChanged(true) } }
    }
  }

  func endFromOutside() {
    guard state.withLock({ $0.ending }) == nil else { return }
    loop.execute { [self] in link.value?.broke() }
  }
}

extension InProcessPipe.State {
  /// What hands the receiver, if there is one, what it waits for, if that is there; to be called outside the lock.
  fileprivate mutating func takeReceiver() -> (() -> Void)? {
    guard let receiver else { return nil }
    let incoming: InProcessConnection.Incoming
    if let message = messages.popFirst() {
      byteCount -= message.count
      incoming = .message(message)
    } else if let ending {
      incoming = .closed(code: ending.code, reason: ending.reason)
    } else {
      return nil
    }
    self.receiver = nil
    return { receiver.resume(returning: incoming) }
  }
}

/// The server's end of a connection without a network.
final class InProcessLink: BatchConnection {
  /// Messages that may wait for the session, each of a `send` that has not returned.
  private static let maxHeldCount = 1_024

  private let pipe: InProcessPipe

  init(driver: ShardDriver, pipe: InProcessPipe) {
    self.pipe = pipe
    super.init(driver: driver, transport: .inProcess, maxHeldCount: InProcessLink.maxHeldCount)
  }

  func takeOne(_ batch: Batch) {
    if batch.bytes.count > driver.services.configuration.limits.messageByteCount {
      close(1_009, "the message is too long")
    }
    take(batch)
  }

  /// The client's end is closed.
  func broke() { end(code: nil, reason: "closed by the client") }

  private func end(code: UInt16?, reason: String) {
    leave(code: code, reason: reason)
    pipe.end(code: code ?? 1_000, reason: reason)
  }

  // MARK: The transport

  override func write(_ output: inout OutputBuffer, through scratch: inout ByteBuffer) {
    guard !output.messages.isEmpty else { return }
    if !pipe.put(output) { writabilityChanged(false) }
  }

  override func close(_ code: UInt16, _ reason: String) {
    guard let slot else { return }
    driver.drainLast(self, slot)
    end(code: code, reason: reason)
  }

  override func driverStops() { pipe.end(code: CloseCode.restart.rawValue, reason: "the server stops") }

  /// Who shares the process lives.
  override func sendPing() {
    let link = NIOLoopBound(self, eventLoop: driver.loop)
    driver.loop.execute {
      guard let slot = link.value.slot else { return }
      _ = link.value.driver.readClock()
      link.value.driver.heard(slot)
    }
  }
}
