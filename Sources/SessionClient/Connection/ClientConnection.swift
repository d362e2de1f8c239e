import NIOCore
import SessionCore
import WebSocketFrames

/// One WebSocket connection of a client: the upgrade, frames, and faults on purpose. It knows text messages and nothing
/// of sessions. Every call is made on its event loop.
///
/// Frames of one tick, or of one burst of reading, go out in one write.
public final class ClientConnection {
  enum Stage {
    case connecting
    case upgrading
    case open
    /// Our Close frame is under way.
    case closing(code: UInt16)
    /// The delegate has heard the end; what is left of the transport goes by itself.
    case closed
  }

  public let configuration: Configuration
  /// One of NIO's; or a `ReactorLoop`, which connects to IP addresses without TLS, and in less time.
  public let loop: any EventLoop
  var delegate: (any ClientConnectionDelegate)?
  var stage = Stage.connecting
  var transport: (any ClientTransport)?
  var random: ChaChaGenerator
  let key: String
  var head = HTTPHeadParser<HTTPResponseHead>()
  var parser: FrameParser
  /// Nil unless permessage-deflate was agreed.
  var compression: MessageCompression?
  /// What a message is compressed into: used again for each.
  private var compressed: [UInt8] = []
  var timer: Scheduled<Void>?

  /// Frames that wait for the end of the tick, or for the end of a blackhole.
  var outgoing = ByteBuffer()
  var isFlushDue = false
  var isReading = false
  /// Payloads of the peer's latest pings, the oldest first.
  var pongs: [[UInt8]] = []
  /// What the system said before the connection broke.
  var brokenBy: String?

  var isDeaf = false
  var isMute = false
  /// What was read before a blackhole could stop it.
  var held: [UInt8] = []

  public internal(set) var bytesIn: UInt64 = 0
  public internal(set) var bytesOut: UInt64 = 0
  /// WebSocket pings that came.
  public internal(set) var pingsIn: UInt64 = 0

  /// Begins to connect. `random` makes the handshake's key and the frames' masks.
  public static func connect(
    _ configuration: Configuration, on loop: any EventLoop, random: ChaChaGenerator,
    delegate: any ClientConnectionDelegate
  ) -> ClientConnection {
    let connection = ClientConnection(configuration, loop, random, delegate)
    connection.start()
    return connection
  }

  private init(
    _ configuration: Configuration, _ loop: any EventLoop, _ random: ChaChaGenerator,
    _ delegate: any ClientConnectionDelegate
  ) {
    loop.preconditionInEventLoop()
    (self.configuration, self.loop, self.delegate, self.random) = (configuration, loop, delegate, random)
    key = Handshake.key(from: self.random.bytes(16))
    parser = FrameParser(role: .client, limits: configuration.limits)
  }

  // MARK: What it knows

  public var isOpen: Bool { if case .open = stage { true } else { false } }

  /// Fulfilled when the socket is closed at both ends; nil where there is none.
  public var transportClosed: EventLoopFuture<Void>? { transport?.closed }

  /// Bytes that were sent and that the system has not taken.
  public var bufferedByteCount: Int {
    outgoing.readableBytes + (transport?.bufferedByteCount ?? 0)
  }

  // MARK: Sending

  /// Sends a text message; without effect unless the connection is open.
  public func send(_ text: [UInt8]) {
    guard isOpen else { return }
    answerPings()
    appendMessage(.text, text)
  }

  /// Sends a binary message; without effect unless the connection is open.
  public func send(binary: [UInt8]) {
    guard isOpen else { return }
    answerPings()
    appendMessage(.binary, binary)
  }

  /// Sends a ping, to which the peer's transport answers.
  public func ping() {
    guard isOpen else { return }
    append(.ping, [])
  }

  private func appendMessage(_ opcode: Opcode, _ payload: [UInt8]) {
    guard compression?.isWorthwhile(payload.count) == true else { return append(opcode, payload) }
    compressed.removeAll(keepingCapacity: compressed.capacity <= 1 << 18)
    payload.withUnsafeBytes { compression?.compress($0, into: &compressed) }
    append(opcode, compressed, isCompressed: true)
  }

  func append(_ opcode: Opcode, _ payload: [UInt8], isCompressed: Bool = false) {
    let header = FrameWriter.headerLength(forPayload: payload.count)
    let mask = UInt32(truncatingIfNeeded: random.next())
    outgoing.writeWithUnsafeMutableBytes(minimumWritableBytes: header + 4 + payload.count) { target in
      FrameWriter.writeHeader(opcode, payload: payload.count, isCompressed: isCompressed, to: target)
      target[1] |= 0x80
      target.storeBytes(of: mask.littleEndian, toByteOffset: header, as: UInt32.self)
      let body = UnsafeMutableRawBufferPointer(rebasing: target[(header + 4)..<(header + 4 + payload.count)])
      body.copyBytes(from: payload)
      Masking.apply(mask, phase: 0, to: body)
      return header + 4 + payload.count
    }
    scheduleFlush()
  }

  private func scheduleFlush() {
    guard !isFlushDue else { return }
    isFlushDue = true
    guard !isReading else { return }
    loop.assumeIsolated().execute { self.flush() }
  }

  func flush() {
    isFlushDue = false
    guard let transport, outgoing.readableBytes > 0, transport.isActive else { return }
    guard bufferedByteCount <= configuration.bufferedByteLimit else {
      return fail(.closed(code: nil, reason: "too much waits to be written", wasClean: false))
    }
    guard !isMute else { return }
    bytesOut += UInt64(outgoing.readableBytes)
    transport.write(outgoing)
    outgoing = ByteBuffer()
  }

  // MARK: Ending

  /// Begins the close handshake. The delegate hears the end when the peer has answered, or did not in time.
  public func close(_ code: UInt16, reason: String = "") {
    guard isOpen else {
      // There is no one to say it to yet.
      if case .closing = stage { return }
      return fail(.dropped(code: nil))
    }
    append(.close, FrameWriter.closePayload(WebSocketCloseCode(rawValue: code), reason: reason))
    stage = .closing(code: code)
    arm(milliseconds: configuration.closeTimeoutMilliseconds) { $0.finish(.dropped(code: code)) }
  }

  /// Lets go of the connection: it closes with `code` by itself, and the delegate hears no more of it. Inside a
  /// blackhole it stays open without a word for a while, as a connection does whose network is gone.
  public func abandon(_ code: UInt16, reason: String = "") {
    delegate = nil
    guard isOpen, !isMute, !isDeaf else { return linger() }
    close(code, reason: reason)
  }

  /// Cuts the connection on purpose. The delegate hears of it at once, but for the close handshake.
  public func drop(_ kind: Drop) {
    switch kind {
    case .clean(let code): close(code)
    case .fin:
      guard let transport, isOpen else { return fail(.dropped(code: nil)) }
      flush()
      transport.closeOutput()
      report(.dropped(code: nil))
      linger()
    case .rst:
      report(.dropped(code: nil))
      transport?.cut()
      shut()
    }
  }

  /// Tells the delegate, and closes the transport without another word.
  func fail(_ ending: ConnectionEnding) {
    report(ending)
    shut()
  }

  /// Tells the delegate, and gives the peer the time to close first.
  func finish(_ ending: ConnectionEnding) {
    flush()
    report(ending)
    linger()
  }

  func report(_ ending: ConnectionEnding) {
    stage = .closed
    timer?.cancel()
    timer = nil
    let delegate = delegate
    self.delegate = nil
    delegate?.connectionClosed(self, ending)
  }

  private func linger() {
    stage = .closed
    arm(milliseconds: isMute || isDeaf ? 60_000 : 1_000) { $0.shut() }
  }

  func shut() {
    timer?.cancel()
    timer = nil
    stage = .closed
    held = []
    transport?.close()
    transport = nil
  }

  func arm(milliseconds: Int64, _ body: @escaping (ClientConnection) -> Void) {
    timer?.cancel()
    timer = loop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) { body(self) }
  }
}
