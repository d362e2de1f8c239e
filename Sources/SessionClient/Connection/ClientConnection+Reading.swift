import NIOCore
import WebSocketFrames

extension ClientConnection {
  // MARK: From the transport

  /// The bytes are lent; they are unmasked where they lie.
  func received(_ input: UnsafeMutableRawBufferPointer) {
    // Also behind a blackhole, until what came in it is read.
    guard !isDeaf, held.isEmpty else { return hold(UnsafeRawBufferPointer(input)) }
    bytesIn += UInt64(input.count)
    if case .closed = stage { return }
    isReading = true
    delegate?.connectionHeard(self)
    var offset = 0
    if case .upgrading = stage { readHead(input, &offset) }
    readFrames(input, &offset)
  }

  func readComplete() {
    guard isReading else { return }
    delegate?.connectionReadComplete(self)
    answerPings()
    isReading = false
    if isFlushDue { flush() }
  }

  func broken(_ error: any Error) {
    brokenBy = brokenBy ?? ConnectError.text(error)
    // Also behind a handshake that we think is done: a server that wants a certificate says so after it.
    let channel = (transport as? ChannelTransport)?.channel
    if case .upgrading = stage, let fault = ClientTLS.fault(error, channel, host: configuration.url.host) {
      return fail(.insecure(fault))
    }
    transport?.close()
  }

  /// The transport is gone.
  /// - Parameter errno: what the system said; nil for nothing out of the way.
  func inactive(errno: CInt? = nil) {
    if let errno { brokenBy = brokenBy ?? ConnectError.text(errno) }
    transport = nil
    switch stage {
    case .closed: shut()
    case .connecting, .upgrading: fail(.connectFailed(brokenBy ?? "the server closed without an answer to the upgrade"))
    case .closing(let code): fail(.dropped(code: code))
    case .open: fail(.closed(code: nil, reason: brokenBy ?? "", wasClean: false))
    }
  }

  // MARK: Frames

  /// Answers to pings that wait at most; older ones are dropped (RFC 6455 section 5.5.3).
  private static let maxPongCount = 16

  private var readsFrames: Bool {
    switch stage {
    case .open, .closing: true
    default: false
    }
  }

  private func readFrames(_ input: UnsafeMutableRawBufferPointer, _ offset: inout Int) {
    // Whoever is called may end the connection.
    while readsFrames {
      switch parser.next(input, from: &offset) {
      case .needsMore: return
      case .message(let opcode, let range):
        let bytes = UnsafeBufferPointer(rebasing: UnsafeRawBufferPointer(input).bindMemory(to: UInt8.self)[range])
        deliver(opcode, bytes.span)
      case .assembledMessage(let opcode):
        let bytes = parser.assembled
        deliver(opcode, bytes.span)
      case .compressedMessage(let opcode, let range):
        decompress(opcode, UnsafeRawBufferPointer(rebasing: input[range]))
      case .assembledCompressedMessage(let opcode):
        let bytes = parser.assembled
        bytes.withUnsafeBytes { decompress(opcode, $0) }
      case .ping(let range): answer(Array(input[range]))
      case .assembledPing: answer(parser.assembledControl)
      case .pong, .assembledPong: break
      case .close(let code): closedByPeer(code)
      case .violation(let violation): refuse(violation)
      }
    }
  }

  private func deliver(_ opcode: Opcode, _ bytes: Span<UInt8>) {
    if opcode == .text {
      delegate?.connection(self, received: bytes)
    } else {
      delegate?.connection(self, receivedBinary: bytes)
    }
  }

  private func decompress(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) {
    do throws(Violation) {
      // The bytes are copied: whoever is called may end the connection, and its compression with it.
      let message = try compression?.decompress(payload, opcode, limit: configuration.limits.messageBytes) { span in
        span.withUnsafeBufferPointer { Array($0) }
      }
      if let message { deliver(opcode, message.span) }
    } catch {
      refuse(error)
    }
  }

  private func answer(_ payload: [UInt8]) {
    pingsIn += 1
    guard isOpen else { return }
    if pongs.count == ClientConnection.maxPongCount { pongs.removeFirst() }
    pongs.append(payload)
  }

  /// At the end of a read, and before a message, which must not overtake the answer to an earlier ping.
  func answerPings() {
    guard !pongs.isEmpty else { return }
    if isOpen { for pong in pongs { append(.pong, pong) } }
    pongs.removeAll(keepingCapacity: true)
  }

  private func closedByPeer(_ code: WebSocketCloseCode?) {
    if case .closing(let own) = stage { return finish(.dropped(code: own)) }
    let reason = String(decoding: parser.assembledControl.dropFirst(2), as: UTF8.self)
    answerPings()
    // The answer has the same code, if there was one (RFC 6455 section 5.5.1).
    append(.close, code.map { FrameWriter.closePayload($0) } ?? [])
    finish(.closed(code: code?.rawValue, reason: reason, wasClean: true))
  }

  private func refuse(_ violation: Violation) {
    answerPings()
    append(.close, FrameWriter.closePayload(violation.closeCode, reason: violation.reason))
    finish(.violation(code: violation.closeCode.rawValue, reason: violation.reason))
  }

  // MARK: Blackholes

  /// Nothing is read, or nothing is written, or neither, while the connection stays: the network seems to be gone.
  /// What was to be written waits, so nothing is lost when it comes back.
  public func blackhole(_ direction: Direction) {
    if direction != .out, !isDeaf {
      isDeaf = true
      transport?.pauseReading()
    }
    if direction != .in { isMute = true }
  }

  public func endBlackhole() {
    isMute = false
    flush()
    guard isDeaf else { return }
    isDeaf = false
    // Not inside a call of the delegate's: it must not be called back from there.
    loop.assumeIsolated().execute { self.readHeld() }
  }

  private func readHeld() {
    guard !isDeaf else { return }
    var bytes: [UInt8] = []
    swap(&bytes, &held)
    if !bytes.isEmpty { bytes.withUnsafeMutableBytes { received($0) } }
    readComplete()
    transport?.resumeReading()
  }

  private func hold(_ bytes: UnsafeRawBufferPointer) {
    guard held.count + bytes.count <= configuration.bufferedByteLimit else {
      return fail(.closed(code: nil, reason: "too much came during a blackhole", wasClean: false))
    }
    held.append(contentsOf: bytes)
  }
}
