import NIOCore
import NIOPosix
import SessionCore
import WebSocketFrames

/// What a test connects to: one real shard behind a WebSocket, or somebody who misbehaves.
final class TestPeer: Sendable {
  enum Manner: Sendable {
    /// Serves sessions.
    case shard(Limits)
    /// Answers the upgrade with these bytes and stays.
    case answer(String)
    /// Answers so before it is asked, and closes.
    case hasty(String)
    /// Never answers.
    case silent
    /// Closes when it was asked to upgrade.
    case hangUp
    /// Accepts the upgrade, then sends these bytes.
    case frames([UInt8])
  }

  let port: Int
  private let channel: any Channel
  private let server: NIOLoopBound<ShardServer>

  static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)

  init(_ manner: Manner = .shard(Limits())) async throws {
    let loop = TestPeer.group.next()
    let server = try await loop.submit { NIOLoopBound(ShardServer(manner, loop), eventLoop: loop) }.get()
    self.server = server
    channel = try await ServerBootstrap(group: loop)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(PeerHandler(server.value, channel))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  var url: String { "ws://127.0.0.1:\(port)/ws" }

  /// Runs on the server's loop.
  func with<Result: Sendable>(_ body: @escaping @Sendable (ShardServer) -> Result) async throws -> Result {
    try await channel.eventLoop.submit { body(self.server.value) }.get()
  }

  func stop() async throws { try await channel.close() }
}

/// One shard and its connections; the handler of `echo` answers with the payload.
final class ShardServer {
  let manner: TestPeer.Manner
  let loop: any EventLoop
  private var shard: Shard
  private var handlers: [Slot: PeerHandler] = [:]
  private var logs: [String: LogPosition] = [:]
  private var waiting: [(PeerHandler, CloseCode)] = []
  private(set) var upgrades = 0
  private(set) var remotes: [String] = []

  init(_ manner: TestPeer.Manner, _ loop: any EventLoop) {
    (self.manner, self.loop) = (manner, loop)
    var dispatcher = Dispatcher()
    dispatcher.on("echo", HandlerID(rawValue: 0))
    var limits = Limits()
    if case .shard(let given) = manner { limits = given }
    shard = Shard(
      configuration: ShardConfiguration(index: 0, count: 1, limits: limits, dispatcher: dispatcher, server: "test"),
      random: ChaChaGenerator(seed: 1))
    loop.assumeIsolated().scheduleTask(in: .milliseconds(5)) { [weak self] in self?.tick() }
  }

  var connectionCount: Int { handlers.count }
  var sessions: [SessionSnapshot] { shard.sessions(now: now) }

  private var now: Instant { Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds) }

  private func tick() {
    step { $0.advance(now: $1, effects: &$2) }
    loop.assumeIsolated().scheduleTask(in: .milliseconds(5)) { [weak self] in self?.tick() }
  }

  func opened(_ handler: PeerHandler, remote: String, version: UInt64?) {
    upgrades += 1
    remotes.append(remote)
    step { shard, now, effects in
      handler.slot = shard.open(
        ConnectionDescription(transport: "websocket", remote: remote, version: version), now: now, effects: &effects)
    }
    if let slot = handler.slot { handlers[slot] = handler }
  }

  func received(_ bytes: [UInt8], _ slot: Slot) {
    step { shard, now, effects in
      shard.heard(slot, now: now)
      _ = shard.receive(bytes.span, on: slot, now: now, effects: &effects)
    }
  }

  func heard(_ slot: Slot) { shard.heard(slot, now: now) }

  func closed(_ slot: Slot) {
    guard handlers.removeValue(forKey: slot) != nil else { return }
    step { $0.closed(slot, code: nil, reason: "", now: $1, effects: &$2) }
  }

  func kickAll() {
    for session in sessions { execute(.kick(session.sid, reason: "test")) }
  }

  func execute(_ command: Command) {
    step { $0.execute(command, token: CommandToken(0), now: $1, effects: &$2) }
  }

  func closeAll(_ code: CloseCode) { step { $0.closeAll(code, reason: "test", now: $1, effects: &$2) } }

  func drain(afterMilliseconds: UInt64) {
    step {
      $0.startDraining(
        spreadMilliseconds: afterMilliseconds, deadlineMilliseconds: 60_000, now: $1, effects: &$2)
    }
  }

  private func step(_ body: (inout Shard, Instant, inout Effects) -> Void) {
    var effects: Effects = []
    body(&shard, now, &effects)
    for effect in effects { carry(effect) }
  }

  private func carry(_ effect: Effect) {
    switch effect {
    case .write(let slot): write(slot)
    case .close(let slot, let code, _):
      write(slot)
      handlers[slot]?.close(code)
    case .ask(let token, let question):
      let answer: Answer =
        switch question {
        case .authenticate(_, let credential, _, _): judge(credential)
        case .authorizeJoin: .authorized
        case .restore: .nothing
        }
      step { $0.answered(token, answer, now: $1, effects: &$2) }
    case .deliver(let token):
      guard let outcome = shard.lendDelivery(token, to: { .reply($0.payload) }) else { return }
      step { $0.handled(token, outcome, now: $1, effects: &$2) }
    case .log(let token, let operation): log(token, operation)
    case .transportPing(let slot): handlers[slot]?.write(.ping, [])
    case .resumeReading, .post, .observe, .answer: break
    }
  }

  private func judge(_ credential: Secret?) -> Answer {
    if credential?.reveal() == "wrong" { return .refused(ProtocolError("auth.failed", "no", retry: .reauth)) }
    return .authenticated(Principal(user: "ann"))
  }

  private func log(_ token: LogToken, _ operation: LogOperation) {
    let room: String
    switch operation {
    case .close: return
    case .open(let name):
      room = name
      logs[name] = logs[name] ?? LogPosition(log: 7, offset: 0)
    case .append(let name, _):
      room = name
      logs[name]?.offset += 1
    }
    guard let position = logs[room] else { return }
    step { $0.logged(token, position, now: $1, effects: &$2) }
  }

  private func write(_ slot: Slot) {
    guard let handler = handlers[slot] else {
      // The effects of `open` come before its handle is known.
      return loop.assumeIsolated().execute { if self.handlers[slot] != nil { self.write(slot) } }
    }
    var buffer = OutputBuffer()
    while shard.drain(slot, now: now, byteBudget: 65_536, into: &buffer) {}
    for range in buffer.messages { handler.write(.text, Array(buffer.bytes[range])) }
  }
}

/// The server's end of one connection.
final class PeerHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let server: ShardServer
  private let channel: any Channel
  private var head = HTTPHeadParser<HTTPRequestHead>()
  private var parser = FrameParser(role: .server)
  private var isUpgraded = false
  private var isClosing = false
  var slot: Slot?

  init(_ server: ShardServer, _ channel: any Channel) { (self.server, self.channel) = (server, channel) }

  func channelActive(context: ChannelHandlerContext) {
    guard case .hasty(let text) = server.manner else { return }
    send(Array(text.utf8))
    channel.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    buffer.withUnsafeMutableReadableBytes { input in
      var offset = 0
      if !isUpgraded, case .head(let request) = head.next(UnsafeRawBufferPointer(input), from: &offset) {
        answer(request)
      }
      while isUpgraded, take(parser.next(input, from: &offset), input) {}
    }
  }

  private func answer(_ request: HTTPRequestHead) {
    switch server.manner {
    case .silent, .hasty: break
    case .hangUp: channel.close(promise: nil)
    case .answer(let text): send(Array(text.utf8))
    case .shard, .frames:
      guard case .accepted(let accepted) = Upgrade.judge(request, subprotocols: ["wscore.v2.json", "wscore.v1.json"])
      else { return channel.close(promise: nil) }
      send(accepted.response())
      isUpgraded = true
      if case .frames(let bytes) = server.manner { return send(bytes) }
      let version: UInt64? = accepted.subprotocol == "wscore.v1.json" ? 1 : accepted.subprotocol.map { _ in 2 }
      server.opened(self, remote: channel.remoteAddress?.ipAddress ?? "", version: version)
    }
  }

  private func take(_ event: FrameEvent, _ input: UnsafeMutableRawBufferPointer) -> Bool {
    switch event {
    case .needsMore: return false
    case .message(_, let range): receive(Array(input[range]))
    case .assembledMessage: receive(parser.assembled)
    case .ping(let range): write(.pong, Array(input[range]))
    case .close, .violation:
      if !isClosing { write(.close, [0x03, 0xE8]) }
      channel.close(promise: nil)
      return false
    default: if let slot { server.heard(slot) }
    }
    return true
  }

  private func receive(_ bytes: [UInt8]) { if let slot { server.received(bytes, slot) } }

  func write(_ opcode: Opcode, _ payload: [UInt8]) {
    send(payload.withUnsafeBytes { FrameWriter.frame(opcode, payload: $0) })
  }

  func close(_ code: CloseCode) {
    isClosing = true
    write(.close, FrameWriter.closePayload(WebSocketCloseCode(rawValue: code.rawValue)))
  }

  private func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

  func channelInactive(context: ChannelHandlerContext) { if let slot { server.closed(slot) } }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
