import Glibc
import NIOCore

/// Holds one descriptor back for an internal server, so that operators get through to a server whose clients have taken
/// all others.
final class AcceptReserve: ChannelInboundHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel

  private var reserve = ReserveFile()

  /// The handler in front tries again soon.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, error.errnoCode == EMFILE || error.errnoCode == ENFILE else {
      return context.fireErrorCaught(error)
    }
    reserve?.close()
    reserve = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if reserve == nil {
      let (handler, loop) = (NIOLoopBound(self, eventLoop: context.eventLoop), context.eventLoop)
      unwrapInboundIn(data).closeFuture.hop(to: loop).whenComplete { _ in handler.value.refill() }
    }
    context.fireChannelRead(data)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    reserve?.close()
    reserve = nil
  }

  private func refill() {
    if reserve == nil { reserve = ReserveFile() }
  }
}
