import Synchronization
import NIOCore
import SessionCore
import WebSocketFrames

/// One socket: a request head, then frames. It turns bytes into messages for the driver's shard and back, and knows
/// nothing of sessions.
final class ConnectionHandler: TransportConnection, ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Phase {
    case head
    case open
    /// Our Close frame went out; the peer's is awaited.
    case closing
    /// Nothing more is said by us; what the peer says is thrown away, so that it gets our last words and no reset.
    case lingering
    case gone
  }

  /// How long a peer has to answer a Close frame and to close its end.
  static let lingerMilliseconds: UInt64 = 2_000
  /// Answers to pings that wait at most; older ones are dropped (RFC 6455 section 5.5.3).
  private static let maxPongCount = 16
  /// Sockets beyond the bound on WebSocket connections, for health checks and for refusals that can be read.
  private static let spareCount = 1_024

  private let services: Services
  /// Whether no handler between this one and the socket changes the bytes.
  private let isNextToSocket: Bool
  private var socket: DirectSocket?
  private var context: ChannelHandlerContext?
  private var phase = Phase.head
  private var head: HTTPHeadParser<HTTPRequestHead>?
  private var frames: FrameParser
  /// Nil unless permessage-deflate was agreed.
  private(set) var compression: MessageCompression?
  /// The most bytes of a message, also of one that was compressed.
  private var messageByteCount: Int
  /// Set instead of `slot` on the endpoint of the raw echo.
  private var echo: RawEcho?
  private var hasHeldRead = false
  /// Bytes that came while none were taken.
  private var kept: [UInt8] = []
  /// Payloads of the peer's latest pings, the oldest first.
  private var pongs: [[UInt8]] = []
  private var mustPing = false
  private var isCounted = false
  /// What this one gave the socket to.
  private var successor: EventSocket?
  private var hasDeadline = false

  init(driver: ShardDriver, isNextToSocket: Bool = false) {
    services = driver.services
    self.isNextToSocket = isNextToSocket
    head = HTTPHeadParser()
    messageByteCount = driver.services.configuration.limits.messageByteCount
    frames = FrameParser(role: .server)
    super.init(driver: driver)
  }

  /// On a socket whose earlier requests an `EventSocket` answered.
  convenience init(continuing driver: ShardDriver) {
    self.init(driver: driver)
    isCounted = true
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    isCounted = true
    if isNextToSocket { socket = DirectSocket(context) }
    let count = services.transportCount.wrappingAdd(1, ordering: .relaxed).newValue
    driver.expectHandshake(of: self)
    if count > services.configuration.connectionCount + ConnectionHandler.spareCount {
      answer(Services.full.status, Services.full.bytes())
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if isCounted { services.transportCount.wrappingSubtract(1, ordering: .relaxed) }
    isCounted = false
    phase = .gone
    leave(code: nil, reason: "the connection broke")
    kept = []
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard phase != .lingering, phase != .gone else { return }
    unwrapInboundIn(data).withUnsafeReadableBytes { driver.read($0, for: self) }
  }

  func channelReadComplete(context: ChannelHandlerContext) { driver.scheduleTick() }

  func read(context: ChannelHandlerContext) {
    if isPaused { hasHeldRead = true } else { context.read() }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    writabilityChanged(context.channel.isWritable)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  // MARK: Reading

  /// Whether bytes may be parsed as they come: none wait in front of them.
  var isReadingDirectly: Bool { kept.isEmpty && !isPaused }

  func keep(_ bytes: UnsafeRawBufferPointer) {
    guard phase == .head || phase == .open || phase == .closing else { return }
    kept.append(contentsOf: bytes)
  }

  override func takeHeld() {
    guard !isPaused, !kept.isEmpty else { return }
    var bytes = kept
    kept = []
    let taken = bytes.withUnsafeMutableBytes { take($0) }
    if taken < bytes.count { kept.insert(contentsOf: bytes[taken...], at: 0) }
  }

  /// Reads from the socket again if that was wanted meanwhile.
  override func readOn() {
    guard !isPaused, hasHeldRead else { return }
    hasHeldRead = false
    context?.read()
  }

  /// Parses `input`, which it may change, and returns how many bytes it took: all, unless there is to be a pause.
  func take(_ input: UnsafeMutableRawBufferPointer) -> Int {
    if let successor {
      successor.take(UnsafeRawBufferPointer(input))
      return input.count
    }
    var offset = 0
    if phase == .head { takeHead(UnsafeRawBufferPointer(input), &offset) }
    if let slot { driver.heard(slot) } else { echo?.wasHeard = true }
    takeFrames(input, &offset)
    return phase == .lingering || phase == .gone ? input.count : offset
  }

  private func takeHead(_ input: UnsafeRawBufferPointer, _ offset: inout Int) {
    switch head?.next(input, from: &offset) {
    case .head(let head) where head.path == services.configuration.eventPath:
      handOver(head, UnsafeRawBufferPointer(rebasing: input[offset...]))
      offset = input.count
    case .head(let head): judge(head)
    case .failed(let error):
      let refusal = HTTPRefusal(error)
      answer(refusal.status, refusal.bytes())
    case .needsMore, nil: break
    }
  }

  /// The socket's requests are for event streams.
  private func handOver(_ head: HTTPRequestHead, _ rest: UnsafeRawBufferPointer) {
    self.head = nil
    let socket = EventSocket(driver: driver)
    guard let context, context.replace(self, with: socket) else { return }
    successor = socket
    (isCounted, phase) = (false, .gone)
    socket.begin(with: head, rest)
  }

  /// Takes the request as the first one of the socket.
  func begin(with head: HTTPRequestHead) {
    driver.expectHandshake(of: self)
    judge(head)
  }

  private func judge(_ head: HTTPRequestHead) {
    self.head = nil
    switch services.judge(head) {
    case .answer(let status, let bytes): answer(status, bytes)
    case .upgrade(let accepted, let version, let credential):
      guard accept(accepted) else { return }
      driver.open(
        self, .webSocket,
        ConnectionDescription(
          transport: Transport.webSocket.rawValue, remote: context?.remote ?? "?", version: version,
          credential: credential))
    case .echo(let accepted):
      messageByteCount = max(RawEcho.messageByteCount, messageByteCount)
      guard accept(accepted) else { return }
      echo = RawEcho()
      driver.openEcho(self)
    }
  }

  /// False if the peer has gone meanwhile: then the write fails, and the channel's end has been told before it returns,
  /// so nobody must hear of a connection that would never be taken back.
  private func accept(_ accepted: Upgrade.Accepted) -> Bool {
    write(ByteBuffer(bytes: accepted.response()))
    guard phase == .head else { return false }
    phase = .open
    frames = FrameParser(
      role: .server, limits: FrameLimits(messageBytes: messageByteCount), allowsCompression: accepted.deflate != nil)
    compression = accepted.deflate.map { MessageCompression($0, role: .server, pool: driver.compressor.pool) }
    keepsTails = compression?.joinsParts == true
    services.connectionCount.wrappingAdd(1, ordering: .relaxed)
    return true
  }

  private func takeFrames(_ input: UnsafeMutableRawBufferPointer, _ offset: inout Int) {
    while phase == .open || phase == .closing, !isPaused {
      switch frames.next(input, from: &offset) {
      case .needsMore: return
      case .message(let opcode, let range):
        take(opcode, UnsafeRawBufferPointer(rebasing: input[range]).assumingMemoryBound(to: UInt8.self).span)
      case .assembledMessage(let opcode):
        let message = frames.assembled
        take(opcode, message.span)
      case .compressedMessage(let opcode, let range):
        decompress(opcode, UnsafeRawBufferPointer(rebasing: input[range]))
      case .assembledCompressedMessage(let opcode):
        let message = frames.assembled
        message.withUnsafeBytes { decompress(opcode, $0) }
      case .ping(let range): answerPing(Array(input[range]))
      case .assembledPing: answerPing(frames.assembledControl)
      case .pong, .assembledPong: break
      case .close(let code): peerClosed(code)
      case .violation(let violation): fail(violation)
      }
    }
  }

  private func fail(_ violation: Violation) {
    finish(violation.closeCode, violation.reason, code: violation.closeCode.rawValue, reason: violation.reason)
    halfClose()
  }

  private func decompress(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) {
    do throws(Violation) {
      try compression?.decompress(payload, opcode, limit: messageByteCount) { take(opcode, $0) }
    } catch {
      fail(error)
    }
  }

  private func take(_ opcode: Opcode, _ message: Span<UInt8>) {
    guard phase == .open else { return }
    guard let slot else { return giveBack(opcode, message) }
    if opcode == .text { driver.receive(message, self, slot) } else { driver.receiveBinary(slot) }
  }

  private func answerPing(_ payload: [UInt8]) {
    guard phase == .open else { return }
    if pongs.isEmpty { driver.markDirty(self) }
    if pongs.count == ConnectionHandler.maxPongCount { pongs.removeFirst() }
    pongs.append(payload)
  }

  // MARK: Writing

  override func write(_ output: inout OutputBuffer, through scratch: inout ByteBuffer) {
    scratch.clear(minimumCapacity: output.bytes.count + maxControlByteCount)
    takeControlFrames(into: &scratch)
    switch compression {
    case .some(let compression): driver.compressor.append(output, compression, to: &scratch)
    case .none: ConnectionHandler.append(&output, to: &scratch)
    }
    if scratch.readableBytes > 0 { write(scratch) }
  }

  /// The messages as they are: each has its header in the room in front of it.
  private static func append(_ output: inout OutputBuffer, to scratch: inout ByteBuffer) {
    let messages = output.messages
    output.bytes.withUnsafeMutableBytes { bytes in
      for range in messages {
        let start = range.lowerBound - FrameWriter.headerLength(forPayload: range.count)
        let target = UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
        FrameWriter.writeHeader(.text, payload: range.count, to: target)
      }
    }
    scratch.writeBytes(output.bytes)
  }

  override func sendPing() {
    mustPing = true
    driver.markDirty(self)
  }

  /// The most that `takeControlFrames` would write now: a ping, and pongs with the most that a control frame carries.
  private var maxControlByteCount: Int { 2 + pongs.count * 127 }

  private func takeControlFrames(into buffer: inout ByteBuffer) {
    for pong in pongs {
      pong.withUnsafeBytes { payload in _ = buffer.writeBytes(FrameWriter.frame(.pong, payload: payload)) }
    }
    pongs.removeAll(keepingCapacity: true)
    guard mustPing else { return }
    mustPing = false
    buffer.writeBytes(FrameWriter.frame(.ping, payload: UnsafeRawBufferPointer(start: nil, count: 0)))
  }

  private func write(_ bytes: ByteBuffer) {
    guard let context else { return }
    guard socket != nil else { return context.writeAndFlush(wrapOutboundOut(bytes), promise: nil) }
    var rest = bytes
    socket?.send(&rest, context)
    guard rest.readableBytes > 0 else { return }
    socket?.begin()
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { [self] _ in socket?.end() }
    context.writeAndFlush(wrapOutboundOut(rest), promise: promise)
  }

  /// Answers a request and ends.
  private func answer(_ status: Int, _ bytes: [UInt8]) {
    guard phase == .head else { return }
    if status >= 400 { driver.countRefusal(status) }
    head = nil
    write(ByteBuffer(bytes: bytes))
    halfClose()
  }

  // MARK: The raw echo

  private func giveBack(_ opcode: Opcode, _ message: Span<UInt8>) {
    if echo?.isEmpty == true { driver.markDirty(self) }
    echo?.append(opcode, message, compression)
    if !isWritable || echo?.isFull == true { isPaused = true }
  }

  override func drainUnattached() {
    guard echo != nil else { return }
    guard isWritable else { return waitForWritability() }
    writeEcho()
    guard isPaused else { return }
    isPaused = false
    driver.resumeLater(self)
  }

  private func writeEcho() {
    guard let frames = echo?.takeFrames() else { return }
    var control = ByteBuffer()
    takeControlFrames(into: &control)
    if control.readableBytes > 0 { write(control) }
    if frames.readableBytes > 0 { write(frames) }
  }

  /// It is time to look whether the peer of an echo is still there: no shard pings it.
  func silenceIsDue() {
    guard let echo else { return }
    guard echo.wasHeard else { return close(WebSocketCloseCode.goingAway.rawValue, "nothing came for too long") }
    self.echo?.wasHeard = false
    driver.watchSilence(of: self)
  }

  // MARK: The end

  /// The shard wants the connection closed.
  override func close(_ code: UInt16, _ reason: String) {
    guard phase == .open else { return }
    finish(WebSocketCloseCode(rawValue: code), reason, code: code, reason: reason)
  }

  private func peerClosed(_ code: WebSocketCloseCode?) {
    // "the endpoint typically echos the status code it received" (RFC 6455 section 5.5.1)
    if phase == .open { finish(code, "", code: code?.rawValue ?? 1005, reason: "closed by the client") }
    halfClose()
  }

  /// Sends what waits and a Close frame, then takes leave of the shard.
  private func finish(_ wireCode: WebSocketCloseCode?, _ wireReason: String, code: UInt16, reason: String) {
    guard phase == .open else { return }
    if let slot { driver.drainLast(self, slot) } else { writeEcho() }
    // The last write may have found the connection broken.
    guard phase == .open else { return }
    phase = .closing
    let payload = wireCode.map { FrameWriter.closePayload($0, reason: wireReason) } ?? []
    write(ByteBuffer(bytes: payload.withUnsafeBytes { FrameWriter.frame(.close, payload: $0) }))
    leave(code: code, reason: reason)
    lingerOnce()
    isPaused = false
    driver.resumeLater(self)
  }

  /// Exactly once: the slot is void afterwards.
  private func leave(code: UInt16?, reason: String) {
    guard slot != nil || echo != nil else { return }
    services.connectionCount.wrappingSubtract(1, ordering: .relaxed)
    if echo != nil { driver.leftEcho(self) }
    echo = nil
    guard let slot else { return }
    self.slot = nil
    driver.left(slot, .webSocket, code: code, reason: reason)
  }

  private func halfClose() {
    guard phase != .lingering, phase != .gone else { return }
    phase = .lingering
    kept = []
    lingerOnce()
    context?.close(mode: .output, promise: nil)
    isPaused = false
    readOn()
  }

  private func lingerOnce() {
    guard !hasDeadline else { return }
    hasDeadline = true
    driver.linger(self)
  }

  func lingerIsDue() {
    guard phase == .closing || phase == .lingering else { return }
    context?.close(promise: nil)
  }

  func handshakeIsDue() {
    guard phase == .head else { return }
    let refusal = HTTPRefusal(408, "the request did not arrive in time")
    answer(refusal.status, refusal.bytes())
  }
}
