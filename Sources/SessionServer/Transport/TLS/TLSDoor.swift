#if TLS
  import NIOCore
  import WebSocketFrames

  /// Stands between the socket and TLS until the handshake is done. It answers those who do not speak TLS, and sees to
  /// it that a client reads why its handshake failed: a socket that is closed with bytes unread takes its last words
  /// back.
  final class TLSDoor: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
      case firstByte
      case handshake
      /// Nothing more is said by us, and what comes is thrown away.
      case lingering
    }

    private let tally: HandshakeTally
    private var phase = Phase.firstByte
    /// The handshake has failed with an alert on its way.
    var hasLastWords = false
    /// The peer spoke no TLS, and was counted so.
    private(set) var isPlaintext = false

    /// The type of a record of a handshake: RFC 8446 section 5.1.
    private static let handshakeRecord: UInt8 = 22

    init(_ tally: HandshakeTally) { self.tally = tally }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch phase {
      case .lingering: return
      case .handshake: context.fireChannelRead(data)
      case .firstByte:
        let bytes = unwrapInboundIn(data)
        guard let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return }
        guard first == TLSDoor.handshakeRecord else { return refuse(first, context) }
        phase = .handshake
        context.fireChannelRead(data)
      }
    }

    /// TLS closes what has failed, and more than once; that is put off while the peer reads.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
      guard hasLastWords || phase == .lingering, context.channel.isActive else {
        return context.close(mode: mode, promise: promise)
      }
      context.channel.closeFuture.cascade(to: promise)
      if phase != .lingering { linger(context) }
    }

    /// HTTP without TLS is told so in its own words: RFC 9110 section 7.8 lets any response name what to upgrade to.
    private func refuse(_ first: UInt8, _ context: ChannelHandlerContext) {
      isPlaintext = true
      tally.failed(.plaintext)
      // A method, of which all are in capitals.
      guard UInt8(ascii: "A")...UInt8(ascii: "Z") ~= first else { return context.close(promise: nil) }
      let refusal = HTTPRefusal(
        400, "this port speaks TLS: use wss:// or https://", fields: [HTTPField("Upgrade", "TLS/1.2, HTTP/1.1")])
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: refusal.bytes())), promise: nil)
      linger(context)
    }

    private func linger(_ context: ChannelHandlerContext) {
      phase = .lingering
      context.close(mode: .output, promise: nil)
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.eventLoop.scheduleTask(in: .milliseconds(Int64(ConnectionHandler.lingerMilliseconds))) {
        bound.value.close(promise: nil)
      }
    }
  }
#endif
