#if HTTP
  import NIOCore
  import NIOHTTP1

  /// Ends a connection whose peer answers with a status below 100, which is none (RFC 9110 section 15). AsyncHTTPClient
  /// passes over all below 200 as informational, does not expect the content that follows, and traps.
  final class StatusGuard: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    struct Fault: Error {}

    private var hasFailed = false

    /// Puts one behind the decoder of a connection that AsyncHTTPClient has made.
    static func add(to channel: any Channel) -> EventLoopFuture<Void> {
      channel.eventLoop.submit {
        let pipeline = channel.pipeline.syncOperations
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
        try pipeline.addHandler(StatusGuard(), position: .after(decoder))
      }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard !hasFailed else { return }
      if case .head(let head) = unwrapInboundIn(data), head.status.code < 100 {
        hasFailed = true
        context.fireErrorCaught(Fault())
        return context.close(promise: nil)
      }
      context.fireChannelRead(data)
    }
  }
#endif
