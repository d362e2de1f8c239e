import NIOCore
import SocketReactor

/// Told to what is behind it, before anything else: the peer is not the socket's.
struct PeerAnnounced: Sendable {
  var peer: PeerAddress
}

/// Takes the PROXY header off the front of a channel. It comes before TLS, so this is the first handler; to those behind
/// it the connection begins when the header has been read.
final class ProxyProtocolHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let services: Services
  /// Nil when there is nothing more to be said about it.
  private var greeting: ProxyGreeting?
  private var timer: Scheduled<Void>?
  private var isPassed = false

  init(services: Services) { self.services = services }

  func channelActive(context: ChannelHandlerContext) {
    greeting = ProxyGreeting(from: PeerAddress(context.remoteAddress), services)
    guard greeting != nil else { return context.close(promise: nil) }
    let (handler, loop) = (NIOLoopBound((self, context), eventLoop: context.eventLoop), context.eventLoop)
    timer = loop.scheduleTask(in: .milliseconds(Int64(services.configuration.handshakeTimeoutMilliseconds))) {
      let (handler, context) = handler.value
      handler.greeting?.isLate()
      handler.refuse(context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    // Else who is behind has not heard that there was a connection.
    if isPassed { context.fireChannelInactive() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch greeting?.take(unwrapInboundIn(data).readableBytesView) {
    case .needsMore, nil: break
    case .refused: refuse(context)
    case .passed(let peer, let rest): pass(peer, rest, context)
    }
  }

  private func pass(_ peer: PeerAddress, _ rest: [UInt8], _ context: ChannelHandlerContext) {
    (greeting, isPassed) = (nil, true)
    timer?.cancel()
    context.fireUserInboundEventTriggered(PeerAnnounced(peer: peer))
    context.fireChannelActive()
    if !rest.isEmpty { context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: rest))) }
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  private func refuse(_ context: ChannelHandlerContext) {
    greeting = nil
    timer?.cancel()
    context.close(promise: nil)
  }
}

/// The same on a socket of which the connection is the first receiver.
final class ProxyReceiver: ByteReceiver {
  private let driver: ShardDriver
  private let socket: ByteSocket
  private var greeting: ProxyGreeting?
  private var timer: Scheduled<Void>?

  init(_ driver: ShardDriver, _ socket: ByteSocket) { (self.driver, self.socket) = (driver, socket) }

  func begin() {
    socket.receiver = self
    greeting = ProxyGreeting(from: PeerAddress(socket.remoteAddress), driver.services)
    guard greeting != nil else { return socket.close() }
    let receiver = NIOLoopBound(self, eventLoop: driver.loop)
    let time = TimeAmount.milliseconds(Int64(driver.services.configuration.handshakeTimeoutMilliseconds))
    timer = driver.loop.scheduleTask(in: time) {
      receiver.value.greeting?.isLate()
      receiver.value.socket.close()
    }
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer) {
    switch greeting?.take(bytes) {
    case .needsMore, nil: break
    case .refused:
      greeting = nil
      socket.close()
    case .passed(let peer, var rest):
      greeting = nil
      timer?.cancel()
      let handler = ConnectionHandler(driver: driver, socket: socket)
      handler.begin(for: peer)
      rest.withUnsafeMutableBytes { if !$0.isEmpty { handler.received($0) } }
    }
  }

  func writabilityChanged() {}

  func ended() { timer?.cancel() }
}
