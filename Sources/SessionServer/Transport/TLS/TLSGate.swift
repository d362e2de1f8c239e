import NIOCore

#if TLS
  import Logging
  import NIOSSL
  import NIOTLS
  import SessionTLS

  /// Stands between TLS and the connection: counts how the handshake went, keeps whom the client's certificate names, and
  /// lets nothing be said before the handshake is done. What is said as soon as the connection begins, which is that
  /// there is no place, waits for the handshake; a connection that gives up later, but before it is done, is cut at
  /// once, since there is nobody who could read an answer.
  final class TLSGate: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let tally: HandshakeTally
    private let door: TLSDoor
    private let logger: Logger
    private var isOpen = false
    private var isCounted = false
    private var isBeginning = false
    /// Said as the connection began, its last words.
    private var held: [(data: NIOAny, promise: EventLoopPromise<Void>?)] = []
    private var mustEnd = false
    /// Whom the certificate names that the client showed; only set once it was verified.
    private(set) var subject: String?

    init(_ tally: HandshakeTally, _ door: TLSDoor, _ logger: Logger) {
      (self.tally, self.door, self.logger) = (tally, door, logger)
    }

    func channelActive(context: ChannelHandlerContext) {
      isBeginning = true
      context.fireChannelActive()
      isBeginning = false
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent { opened(context) }
      context.fireUserInboundEventTriggered(event)
    }

    private func opened(_ context: ChannelHandlerContext) {
      (isOpen, isCounted) = (true, true)
      tally.succeeded()
      let pipeline = context.pipeline.syncOperations
      let handler = try? pipeline.handler(type: NIOSSLServerHandler.self)
      subject = handler?.peerCertificate.flatMap { CertificateFacts($0).identity }
      pipeline.removeHandler(door, promise: nil)
      guard mustEnd else { return }
      // Not inside of what TLS does now.
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      context.eventLoop.execute {
        let (gate, context) = bound.value
        gate.sayHeld(context)
      }
    }

    private func sayHeld(_ context: ChannelHandlerContext) {
      for (data, promise) in held { context.write(data, promise: promise) }
      held = []
      context.flush()
      context.close(mode: .output, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      if !isOpen {
        count(TLSGate.failure(error), error)
        door.hasLastWords = true
      }
      context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
      count(.aborted, nil)
      for (_, promise) in held { promise?.fail(ChannelError.ioOnClosedChannel) }
      held = []
      context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      if isOpen {
        context.write(data, promise: promise)
      } else if isBeginning {
        held.append((data, promise))
      } else {
        promise?.fail(ChannelError.ioOnClosedChannel)
      }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
      guard !isOpen else { return context.close(mode: mode, promise: promise) }
      if mode == .output, isBeginning, !held.isEmpty {
        mustEnd = true
        context.channel.closeFuture.cascade(to: promise)
        return
      }
      // Errors have been counted by now.
      count(isBeginning ? .full : .timeout, nil)
      context.close(mode: .all, promise: promise)
    }

    private func count(_ failure: HandshakeTally.Failure, _ error: (any Error)?) {
      guard !isCounted, !door.isPlaintext else { return }
      isCounted = true
      tally.failed(failure)
      logger.debug(
        "TLS handshake failed",
        metadata: ["reason": "\(failure.rawValue)", "error": "\(error.map { TLSErrorText.word($0) } ?? "none")"])
    }

    private static func failure(_ error: any Error) -> HandshakeTally.Failure {
      // The socket's own: the client is gone.
      if error is IOError { return .aborted }
      let text = TLSErrorText.stack(error)
      let has = { (words: [String]) in words.contains { text.contains($0) } }
      if has(["EOF during handshake"]) { return .aborted }
      if has(["PEER_DID_NOT_RETURN_A_CERTIFICATE", "CERTIFICATE_VERIFY_FAILED"]) { return .certificate }
      if has(["UNSUPPORTED_PROTOCOL", "NO_SHARED_CIPHER", "VERSION", "NO_COMMON_SIGNATURE"]) { return .version }
      if has(["ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE", "ALERT_UNSUPPORTED_CERTIFICATE"]) {
        return .refused
      }
      return .other
    }
  }
#endif

extension ChannelHandlerContext {
  /// Whom the certificate names that the peer showed and TLS verified; nil without one. Never anything that was said
  /// in the request.
  var verifiedSubject: String? {
    #if TLS
      (try? pipeline.syncOperations.handler(type: TLSGate.self))?.subject
    #else
      nil
    #endif
  }
}
