import CReactor
import Glibc
import NIOCore

/// A connected socket of a `ReactorLoop`.
///
/// Its receiver is never called from within a call of this one, but for `writabilityChanged`: an end is told when the
/// loop has handed over all that it has.
///
/// What each read and write looks at is not checked for overlapping access at run time. Proof that none overlaps: a
/// socket is on its loop's thread, and each access reads or sets one of these variables and ends with that.
public final class ReactorSocket: ByteSocket, PolledDescriptor {
  /// What a ring has in hand of a socket.
  struct Operations: OptionSet {
    let rawValue: UInt8

    static let receives = Operations(rawValue: 1)
    /// The receiving is being cancelled.
    static let isCancelled = Operations(rawValue: 2)
    static let polls = Operations(rawValue: 4)
    /// The poll is for room to write.
    static let pollsOutput = Operations(rawValue: 8)
    /// It has the socket's file in the place that the socket has in the table.
    static let isHeld = Operations(rawValue: 16)
  }

  let number: Int32
  @exclusivity(unchecked) var token: UInt64 = 0
  /// Called once, when it is connected; nil before that for one that was connected when it came.
  @exclusivity(unchecked) private var whenConnected: (() -> Void)?
  /// The errno with which it ended, if it did not just close.
  public private(set) var fault: Int32?
  private unowned let loop: ReactorLoop
  /// It has the socket in its table, and the socket it, until the socket's end.
  private let poller: Poller
  private let whenEnded: @Sendable () -> Void
  /// Whether the receiver is to be handed what comes.
  @exclusivity(unchecked) private(set) var isReading = true
  /// Whether the poller tells of input; it is told to stop when something comes that is not to be read.
  @exclusivity(unchecked) private(set) var isHeard: Bool
  @exclusivity(unchecked) public private(set) var isClosed = false
  @exclusivity(unchecked) private var closesOutput = false
  /// What the kernel did not take, from `queueOffset` on.
  @exclusivity(unchecked) private var queue: [UInt8] = []
  @exclusivity(unchecked) private var queueOffset = 0
  /// Bytes that the poller has accepted and the kernel not yet.
  @exclusivity(unchecked) var stagedCount = 0
  @exclusivity(unchecked) var operations: Operations = []
  var isReceivedFrom: Bool { operations.contains(.receives) && !operations.contains(.isCancelled) }
  var isPolled: Bool { operations.contains(.polls) }
  var isHeld: Bool { operations.contains(.isHeld) }
  /// All that was ever written.
  @exclusivity(unchecked) private var writtenCount: UInt64 = 0
  @exclusivity(unchecked) private var waiters: [(end: UInt64, body: () -> Void)] = []

  /// - Parameter whenConnected: nil for one that is connected.
  init(
    number: Int32, loop: ReactorLoop, whenConnected: (() -> Void)? = nil, whenEnded: @escaping @Sendable () -> Void
  ) {
    (self.number, self.loop, self.whenConnected, self.whenEnded) = (number, loop, whenConnected, whenEnded)
    isHeard = whenConnected == nil
    poller = loop.poller
    super.init()
  }

  /// Still on its way to the peer; nothing can be written.
  public var isConnecting: Bool { whenConnected != nil }

  override public var remoteAddress: SocketAddress? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let isKnown = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(number, $0, &length) == 0 }
    }
    guard !isClosed, isKnown else { return nil }
    return SocketAddress(storage)
  }

  // MARK: Reading

  func inputIsReady(_ input: UnsafeMutableRawBufferPointer, isOver: Bool) {
    guard !isClosed else { return }
    guard isReading else {
      // Errors and the end of both directions are told of even when nobody asked: what was not read then is lost.
      if isOver { end(errno: reactor_take_fault(number)) } else { hear(false) }
      return
    }
    let count = reactor_receive(number, input.baseAddress, input.count)
    if count > 0 { return take(UnsafeMutableRawBufferPointer(rebasing: input[..<count])) }
    if count != -Int(EAGAIN) { end(errno: Int32(-count)) }
  }

  private func take(_ bytes: UnsafeMutableRawBufferPointer) { receiver?.received(bytes) }

  /// Bytes that the poller has received by itself.
  func came(_ bytes: UnsafeMutableRawBufferPointer) {
    guard !isClosed else { return }
    let isWanted = isReading
    take(bytes)
    if !isWanted, !isReading, !isClosed, isHeard { hear(false) }
  }

  override public func pauseReading() {
    isReading = false
  }

  override public func resumeReading() {
    guard !isClosed else { return }
    isReading = true
    if !isHeard, !isConnecting { hear(true) }
  }

  private func hear(_ isHeard: Bool) {
    self.isHeard = isHeard
    poller.interestChanged(self)
  }

  override public func boundSilence(milliseconds: Int) {
    guard !isClosed else { return }
    // Refused by sockets that are not TCP's, to which it means nothing.
    _ = reactor_set_integer(number, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Int32(clamping: milliseconds))
  }

  // MARK: Writing

  /// Whether something waits until the kernel has room, or is connected.
  var wantsOutput: Bool { !queue.isEmpty || isConnecting }

  /// What was written and the kernel has not taken.
  public var unsentCount: Int { queue.count - queueOffset + stagedCount }

  override public func write(_ bytes: ByteBuffer, whenTaken: (() -> Void)?) {
    guard !isClosed, !closesOutput, !isConnecting else { return }
    bytes.withUnsafeReadableBytes { write($0) }
    guard let whenTaken, !isClosed else { return }
    guard unsentCount > 0 else { return whenTaken() }
    waiters.append((writtenCount, whenTaken))
    poller.isAwaited = true
  }

  override public func write(copying bytes: UnsafeRawBufferPointer) {
    guard !isClosed, !closesOutput, !isConnecting else { return }
    write(bytes)
  }

  private func write(_ bytes: UnsafeRawBufferPointer) {
    writtenCount &+= UInt64(bytes.count)
    guard queue.isEmpty else { return enqueue(bytes) }
    guard !bytes.isEmpty else { return }
    let count = poller.send(bytes, to: self)
    if count == bytes.count || isClosed { return }
    guard count >= 0 || count == -Int(EAGAIN) else { return end(errno: Int32(-count)) }
    enqueue(UnsafeRawBufferPointer(rebasing: bytes[max(0, count)...]))
    poller.interestChanged(self)
  }

  private func enqueue(_ bytes: UnsafeRawBufferPointer) {
    queue.append(contentsOf: bytes)
    guard isWritable, unsentCount > ByteSocket.highWatermark else { return }
    isWritable = false
    receiver?.writabilityChanged()
  }

  func outputIsReady() {
    guard !isClosed, wantsOutput else { return }
    guard !isConnecting else { return connected() }
    let count = queue[queueOffset...].withUnsafeBytes { reactor_send(number, $0.baseAddress, $0.count) }
    guard count >= 0 else { return count == -Int(EAGAIN) ? () : end(errno: Int32(-count)) }
    queueOffset += count
    if queueOffset == queue.count {
      (queue, queueOffset) = ([], 0)
      poller.interestChanged(self)
    } else if queueOffset >= ByteSocket.highWatermark {
      // What has gone is not kept for as long as something waits.
      queue.removeFirst(queueOffset)
      queueOffset = 0
    }
    wasTaken()
  }

  private func connected() {
    let fault = reactor_take_fault(number)
    guard fault == 0 else { return end(errno: fault) }
    let body = whenConnected
    whenConnected = nil
    poller.interestChanged(self)
    loop.perform { [self] in
      // What the peer says comes behind it.
      if !isClosed { body?() }
      if !isClosed, isReading { hear(true) }
    }
  }

  /// The kernel has come to what was staged: the answer is how much it took, or a negative errno.
  func settle(_ bytes: UnsafeRawBufferPointer, _ result: Int) {
    stagedCount = 0
    guard !isClosed else { return }
    guard result >= 0 || result == -Int(EAGAIN) else { return end(errno: Int32(-result)) }
    if result < bytes.count {
      enqueue(UnsafeRawBufferPointer(rebasing: bytes[max(0, result)...]))
      poller.interestChanged(self)
    }
    wasTaken()
  }

  /// Less waits than before.
  private func wasTaken() {
    while !waiters.isEmpty, case let waiter = waiters[0], waiter.end &+ UInt64(unsentCount) <= writtenCount {
      waiters.removeFirst()
      loop.perform(waiter.body)
    }
    if closesOutput, unsentCount == 0 { shutDownOutput() }
    guard !isWritable, unsentCount <= ByteSocket.lowWatermark else { return }
    isWritable = true
    receiver?.writabilityChanged()
  }

  // MARK: The end

  override public func closeOutput() {
    guard !isClosed, !closesOutput else { return }
    closesOutput = true
    guard unsentCount > 0 else { return shutDownOutput() }
    poller.isAwaited = true
  }

  /// It fails when the peer has gone, of which reading tells.
  private func shutDownOutput() { shutdown(number, Int32(SHUT_WR)) }

  override public func close() { end() }

  /// Ends the socket, and tells the peer that what is under way is thrown away (RST).
  public func cut() {
    // It fails for a descriptor that is none.
    if !isClosed { _ = reactor_cut_on_close(number) }
    end()
  }

  /// The peer sends nothing more. What it sent before is answered first, though the poller may have told both at once;
  /// while it is not taken, the end is not, either: the next read tells of it again.
  func peerEnded() {
    loop.perform { [self] in
      guard !isReading else { return end() }
      if !isClosed, isHeard { hear(false) }
    }
  }

  func loopEnds() { end() }

  /// - Parameter errno: why, 0 for nothing out of the way.
  func end(errno: Int32 = 0) {
    guard !isClosed else { return }
    isClosed = true
    if errno != 0 { fault = errno }
    (queue, queueOffset, waiters, whenConnected) = ([], 0, [], nil)
    poller.remove(self)
    loop.perform { [self] in
      let receiver = receiver
      self.receiver = nil
      receiver?.ended()
      whenEnded()
    }
  }
}

extension SocketAddress {
  /// Nil if it is of a family that no connection of ours has.
  init?(_ storage: sockaddr_storage) {
    var storage = storage
    let family = Int32(storage.ss_family)
    let address: SocketAddress? = withUnsafePointer(to: &storage) { pointer in
      let pointer = UnsafeRawPointer(pointer)
      switch family {
      case AF_INET: return SocketAddress(pointer.load(as: sockaddr_in.self))
      case AF_INET6: return SocketAddress(pointer.load(as: sockaddr_in6.self))
      case AF_UNIX: return SocketAddress(pointer.load(as: sockaddr_un.self))
      default: return nil
      }
    }
    guard let address else { return nil }
    self = address
  }
}
