import NIOCore
import NIOPosix

/// A channel of NIO's, with TLS or without.
final class ChannelTransport: ClientTransport {
  let channel: any Channel

  init(_ channel: any Channel) { self.channel = channel }

  var isActive: Bool { channel.isActive }
  var bufferedByteCount: Int { (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 }
  var closed: EventLoopFuture<Void> { channel.closeFuture }

  func write(_ bytes: ByteBuffer) { channel.writeAndFlush(bytes, promise: nil) }

  func closeOutput() { channel.close(mode: .output, promise: nil) }

  func close() { channel.close(promise: nil) }

  func cut() {
    if let socket = channel as? any SocketOptionProvider {
      _ = socket.setSoLinger(.init(l_onoff: 1, l_linger: 0))
    }
    ClientTLS.cut(channel)
  }

  func pauseReading() { _ = channel.setOption(.autoRead, value: false) }

  func resumeReading() { _ = channel.setOption(.autoRead, value: true) }
}

/// The end of the channel's pipeline: hands on what comes, as it comes.
final class SocketHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let connection: ClientConnection

  init(_ connection: ClientConnection) { self.connection = connection }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    buffer.withUnsafeMutableReadableBytes { connection.received($0) }
  }

  func channelReadComplete(context: ChannelHandlerContext) { connection.readComplete() }
  func channelInactive(context: ChannelHandlerContext) { connection.inactive() }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { connection.broken(error) }
}
