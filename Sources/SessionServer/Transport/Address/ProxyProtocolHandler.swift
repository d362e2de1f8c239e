import NIOCore

/// Told to what is behind it, before anything else: the peer is not the socket's.
struct PeerAnnounced: Sendable {
  var peer: PeerAddress
}

/// Takes the PROXY header off the front of a connection. It comes before TLS, so this is the first handler; to those
/// behind it the connection begins when the header has been read. A connection that does not begin with one, or comes
/// from somebody who is no proxy, is closed without a word: there is no protocol yet in which to say it.
final class ProxyProtocolHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let services: Services
  private var input = ByteBuffer()
  private var peer = PeerAddress.unknown
  private var timer: Scheduled<Void>?
  private var isOver = false
  private var isPassed = false

  init(services: Services) { self.services = services }

  func channelActive(context: ChannelHandlerContext) {
    peer = PeerAddress(context.remoteAddress)
    guard services.configuration.proxies.includes(peer) else {
      return refuse(context, "not from an address that --trusted-proxy names")
    }
    let (handler, loop) = (NIOLoopBound((self, context), eventLoop: context.eventLoop), context.eventLoop)
    timer = loop.scheduleTask(in: .milliseconds(Int64(services.configuration.handshakeTimeoutMilliseconds))) {
      let (handler, context) = handler.value
      handler.refuse(context, "it did not arrive in time")
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    // Else who is behind has not heard that there was a connection.
    if isPassed { context.fireChannelInactive() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    var bytes = unwrapInboundIn(data)
    input.writeBuffer(&bytes)
    switch ProxyHeader.read(input.readableBytesView) {
    case .needsMore: break
    case .malformed(let reason): refuse(context, "\(reason)")
    case .header(let client, let byteCount):
      input.moveReaderIndex(forwardBy: byteCount)
      pass(client ?? peer, context)
    }
  }

  private func pass(_ peer: PeerAddress, _ context: ChannelHandlerContext) {
    (isOver, isPassed) = (true, true)
    timer?.cancel()
    context.fireUserInboundEventTriggered(PeerAnnounced(peer: peer))
    context.fireChannelActive()
    if input.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(input)) }
    input = ByteBuffer()
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  private func refuse(_ context: ChannelHandlerContext, _ reason: String) {
    guard !isOver else { return }
    isOver = true
    timer?.cancel()
    input = ByteBuffer()
    services.limits.count(.proxyHeader)
    services.logger.debug("PROXY header refused", metadata: ["reason": "\(reason)", "remote": "\(peer)"])
    context.close(promise: nil)
  }
}
