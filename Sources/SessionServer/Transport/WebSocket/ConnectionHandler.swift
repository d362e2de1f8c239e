import NIOCore
import SessionCore
import SocketReactor
import Synchronization
import WebSocketFrames

/// One socket: a request head, then frames. It turns bytes into messages for the driver's shard and back, and knows
/// nothing of sessions.
///
/// What each message looks at is not checked for overlapping access at run time. Proof that none overlaps: a handler is on
/// its loop, and each access of such a variable reads or changes it, calls nobody who comes back here, and ends.
final class ConnectionHandler: TransportConnection, ByteReceiver {
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
  private let services: Services
  private let socket: ByteSocket
  @exclusivity(unchecked) private var phase = Phase.head
  private var head: HTTPHeadParser<HTTPRequestHead>?
  /// Nothing else of the connection parses while it does: `ShardDriver.read`.
  @exclusivity(unchecked) private var frames: FrameParser
  /// Nil unless permessage-deflate was agreed. Set before the first message and let go of after the last, when nobody uses
  /// it: while a message is decompressed and handed on, it is only read.
  @exclusivity(unchecked) private(set) var compression: MessageCompression?
  /// The most bytes of a message, also of one that was compressed.
  private var messageByteCount: Int
  /// Set instead of `slot` on the endpoint of the raw echo. Only appended to and taken from, neither of which calls out.
  @exclusivity(unchecked) private var echo: RawEcho?
  /// Bytes that came while none were taken.
  @exclusivity(unchecked) private var kept: [UInt8] = []
  @exclusivity(unchecked) private var control = ControlFrames()
  private var isCounted = false
  private var hasDeadline = false
  private var visitor = Visitor()
  /// When the message began of which not all has come, as far as the peer could send it.
  @exclusivity(unchecked) private var messageBegan: Instant?
  private var isMessageWatched = false

  init(driver: ShardDriver, socket: ByteSocket) {
    self.socket = socket
    services = driver.services
    head = HTTPHeadParser(limits: driver.services.configuration.head)
    messageByteCount = driver.services.configuration.limits.messageByteCount
    frames = FrameParser(role: .server)
    super.init(driver: driver)
  }

  /// On a socket whose earlier requests an `EventSocket` answered.
  convenience init(continuing driver: ShardDriver, _ socket: ByteSocket, _ visitor: Visitor) {
    self.init(driver: driver, socket: socket)
    self.visitor = visitor
    isCounted = true
  }

  // MARK: The socket

  /// The socket is connected; it is for this peer.
  func begin(for peer: PeerAddress) {
    socket.receiver = self
    visitor.peer = peer
    isCounted = true
    let count = services.transportCount.wrappingAdd(1, ordering: .relaxed).newValue
    driver.expectHandshake(of: self)
    // The last of the spare ones are left for those that have not heard yet that there is no room.
    if count > services.configuration.connectionCount + services.configuration.spareSocketCount / 4 * 3 {
      return answer(services.full())
    }
    switch visitor.arrive(services, now: driver.now) {
    case .welcome: break
    case .refused: answer(Services.crowded())
    case .cut: socket.close()
    }
  }

  func ended() {
    if isCounted { services.transportCount.wrappingSubtract(1, ordering: .relaxed) }
    isCounted = false
    visitor.leave()
    phase = .gone
    leave(code: nil, reason: "the connection broke")
    kept = []
    // Not at once: it may be in the middle of a message that the connection ended.
    let handler = NIOLoopBound(self, eventLoop: driver.loop)
    driver.loop.execute { handler.value.letGo() }
  }

  /// Deadlines that are not over yet still hold the handler; what its peer sent need not be held with it.
  private func letGo() {
    head = nil
    compression = nil
    control = ControlFrames()
    frames = FrameParser(role: .server)
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer) {
    guard phase != .lingering, phase != .gone else { return }
    driver.read(bytes, for: self)
    if isPaused { socket.pauseReading() }
    driver.scheduleTick()
  }

  func writabilityChanged() { writabilityChanged(socket.isWritable) }

  // MARK: Reading

  /// Whether bytes may be parsed as they come: none wait in front of them.
  var isReadingDirectly: Bool { kept.isEmpty && !isPaused }

  func keep(_ bytes: UnsafeRawBufferPointer) {
    guard phase == .head || phase == .open || phase == .closing else { return }
    kept.append(contentsOf: bytes)
  }

  override func takeHeld() {
    guard !isPaused, !kept.isEmpty else { return }
    // While it was not read it could not go on.
    if messageBegan != nil { messageBegan = driver.now }
    var bytes = kept
    kept = []
    let taken = bytes.withUnsafeMutableBytes { take($0) }
    if taken < bytes.count { kept.insert(contentsOf: bytes[taken...], at: 0) }
  }

  override func readOn() {
    if !isPaused { socket.resumeReading() }
  }

  /// Parses `input`, which it may change, and returns how many bytes it took: all, unless there is to be a pause.
  func take(_ input: UnsafeMutableRawBufferPointer) -> Int {
    var offset = 0
    if phase == .head { takeHead(UnsafeRawBufferPointer(input), &offset) }
    if let slot { driver.heard(slot) } else { echo?.wasHeard = true }
    takeFrames(input, &offset)
    // Not at the end of the tick, so that the loop needs memory for the frames of one connection only.
    if echo != nil { drainUnattached() }
    if frames.isWithinMessage { watchMessage() } else { messageBegan = nil }
    return phase == .lingering || phase == .gone ? input.count : offset
  }

  private func takeHead(_ input: UnsafeRawBufferPointer, _ offset: inout Int) {
    switch head?.next(input, from: &offset) {
    case .head(let head) where head.path == services.configuration.eventPath:
      handOver(head, UnsafeRawBufferPointer(rebasing: input[offset...]))
      offset = input.count
    case .head(let head): judge(head)
    case .failed(let error):
      services.note(error)
      answer(HTTPRefusal(error))
    case .needsMore, nil: break
    }
  }

  /// The socket's requests are for event streams.
  private func handOver(_ head: HTTPRequestHead, _ rest: UnsafeRawBufferPointer) {
    self.head = nil
    let successor = EventSocket(driver: driver, socket: socket, visitor: visitor)
    visitor.leave()
    (isCounted, phase) = (false, .gone)
    socket.receiver = successor
    successor.begin(with: head, rest)
  }

  /// Takes the request as the first one of the socket.
  func begin(with head: HTTPRequestHead) {
    socket.receiver = self
    driver.expectHandshake(of: self)
    judge(head)
  }

  private func judge(_ head: HTTPRequestHead) {
    self.head = nil
    switch services.judge(head, from: visitor.peer) {
    case .answer(let status, let bytes): answer(status, bytes)
    case .upgrade(let accepted, let version, let credential):
      guard let client = admit(head), accept(accepted) else { return }
      driver.open(
        self, .webSocket,
        ConnectionDescription(
          transport: Transport.webSocket.rawValue, remote: client.description, version: version,
          credential: credential, verifiedSubject: socket.verifiedSubject))
    case .echo(let accepted):
      messageByteCount = max(RawEcho.messageByteCount, messageByteCount)
      guard admit(head) != nil, accept(accepted) else { return }
      echo = RawEcho()
      driver.openEcho(self)
    }
  }

  /// For whom the connection is; nil if it was turned away.
  private func admit(_ head: HTTPRequestHead) -> PeerAddress? {
    let (client, isWelcome) = visitor.admit(head.fields, services, now: driver.now)
    if !isWelcome { answer(Services.crowded()) }
    return isWelcome ? client : nil
  }

  /// False if the peer has gone meanwhile: then the write fails, and the channel's end has been told before it returns,
  /// so nobody must hear of a connection that would never be taken back.
  private func accept(_ accepted: Upgrade.Accepted) -> Bool {
    // The place is taken first: who has read our answer counts, and two that come at once cannot both have the last one.
    let count = services.connectionCount.wrappingAdd(1, ordering: .relaxed).newValue
    let hasPlace = count <= services.configuration.connectionCount
    if hasPlace { write(ByteBuffer(bytes: accepted.response())) } else { answer(services.full()) }
    guard hasPlace, phase == .head else {
      services.connectionCount.wrappingSubtract(1, ordering: .relaxed)
      return false
    }
    phase = .open
    frames = FrameParser(
      role: .server,
      limits: FrameLimits(
        messageBytes: messageByteCount, emptyFragmentCount: services.configuration.emptyFragmentCount),
      allowsCompression: accepted.deflate != nil)
    compression = accepted.deflate.map { MessageCompression($0, role: .server, pool: driver.compressor.pool) }
    keepsTails = compression?.joinsParts == true
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
      case .ping(let range): takeControl(ping: Array(input[range]))
      case .assembledPing: takeControl(ping: frames.assembledControl)
      case .pong, .assembledPong: takeControl(ping: nil)
      case .close(let code): peerClosed(code)
      case .violation(let violation): fail(violation)
      }
    }
  }

  private func fail(_ violation: Violation) {
    switch violation {
    case .messageTooBig: services.limits.count(.messageBytes)
    case .tooManyFragments: services.limits.count(.emptyFragments)
    default: break
    }
    if phase == .open { driver.countClose(violation.closeCode.rawValue) }
    finish(violation.closeCode, violation.reason, code: violation.closeCode.rawValue, reason: violation.reason)
    halfClose()
  }

  /// A bound that the operator set, and no rule of the protocol (RFC 6455 section 7.4.1, 1008).
  private func end(for limit: ServerLimit, _ reason: String) {
    guard phase == .open else { return }
    services.limits.count(limit)
    let code = WebSocketCloseCode.policyViolation
    driver.countClose(code.rawValue)
    finish(code, reason, code: code.rawValue, reason: reason)
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
    messageBegan = nil
    guard phase == .open else { return }
    guard let slot else { return giveBack(opcode, message) }
    // The frames' parser, or who decompressed it, has seen that text is UTF-8: RFC 6455 section 8.1.
    if opcode == .text { driver.receive(message, isUTF8: true, self, slot) } else { driver.receiveBinary(slot) }
  }

  private func takeControl(ping: [UInt8]?) {
    if !frames.isMessageOpen { messageBegan = nil }
    guard control.mayComeIn(services.configuration.traffic, driver.now) else {
      return end(for: .controlRate, "too many pings and pongs")
    }
    guard let ping, phase == .open else { return }
    if control.answer(ping) { driver.markDirty(self) }
  }

  // MARK: Messages that do not end

  private func watchMessage() {
    if messageBegan == nil { messageBegan = driver.now }
    guard !isMessageWatched, phase == .open else { return }
    isMessageWatched = true
    driver.watchMessage(of: self)
  }

  func messageIsDue() {
    isMessageWatched = false
    guard phase == .open, let began = messageBegan else { return }
    if isPaused { messageBegan = driver.now }
    let isLate = driver.now.milliseconds(since: began) >= services.configuration.messageTimeoutMilliseconds
    guard !isPaused, isLate else { return watchMessage() }
    end(for: .messageTime, "a message took too long to arrive")
  }

  // MARK: Writing

  override func prefetchSocket() { Prefetch.object(socket, byteCount: ByteSocket.touchedByteCount) }

  override func write(_ output: inout OutputBuffer, through scratch: inout ByteBuffer) {
    switch compression {
    case .some(let compression):
      scratch.clear(minimumCapacity: output.bytes.count + control.maxByteCount)
      control.take(into: &scratch)
      driver.compressor.append(output, compression, to: &scratch)
    case .none:
      ConnectionHandler.frame(&output)
      guard !control.isEmpty else { return writePlain(output) }
      scratch.clear(minimumCapacity: output.bytes.count + control.maxByteCount)
      control.take(into: &scratch)
      scratch.writeBytes(output.bytes)
    }
    if scratch.readableBytes > 0 { write(scratch) }
  }

  private func writePlain(_ output: borrowing OutputBuffer) {
    if !output.bytes.isEmpty { output.bytes.withUnsafeBytes { socket.write(copying: $0) } }
  }

  /// The messages as they are: each has its header in the room in front of it.
  private static func frame(_ output: inout OutputBuffer) {
    let messages = output.messages
    output.bytes.withUnsafeMutableBytes { bytes in
      for range in messages {
        let start = range.lowerBound - FrameWriter.headerLength(forPayload: range.count)
        let target = UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
        FrameWriter.writeHeader(.text, payload: range.count, to: target)
      }
    }
  }

  override func sendPing() {
    control.mustPing = true
    driver.markDirty(self)
  }

  private func write(_ bytes: ByteBuffer) { socket.write(bytes) }

  private func answer(_ refusal: HTTPRefusal) { answer(refusal.status, refusal.bytes()) }

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
    if echo?.isEmpty == true { echo?.lend(driver.echoMemory.take()) }
    echo?.append(opcode, message, compression)
    if !isWritable || echo?.isFull == true { holds.insert(.output) }
  }

  override func drainUnattached() {
    guard echo != nil else { return }
    guard isWritable else { return waitForWritability() }
    writeEcho()
    guard holds.contains(.output) else { return }
    holds.remove(.output)
    driver.resumeLater(self)
  }

  private func writeEcho() {
    var answers = ByteBuffer()
    control.take(into: &answers)
    if answers.readableBytes > 0 { write(answers) }
    guard let frames = echo?.takeFrames() else { return }
    frames.withUnsafeBytes { socket.write(copying: $0) }
    driver.echoMemory.keep(frames)
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
    holds = []
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
    socket.closeOutput()
    holds = []
    readOn()
  }

  private func lingerOnce() {
    guard !hasDeadline else { return }
    hasDeadline = true
    driver.linger(self)
  }

  func lingerIsDue() {
    guard phase == .closing || phase == .lingering else { return }
    socket.close()
  }

  func handshakeIsDue() {
    guard phase == .head else { return }
    answer(services.late())
  }
}
