import Glibc
import NIOCore

/// A connection's socket past the pipeline: bytes that the kernel takes at once need not be queued, flushed and told of,
/// which takes longer than the call itself. What it does not take goes the usual way, and as long as any of that waits so
/// does all that follows. Only for channels whose handlers would not change the bytes.
struct DirectSocket {
  private let descriptor: NIOBSDSocket.Handle
  /// Writes that NIO has not finished.
  private var queuedCount = 0

  /// Nil where the channel is no socket.
  init?(_ context: ChannelHandlerContext) {
    let operations = context.pipeline.syncOperations
    guard let descriptor = try? operations.withUnsafeTransportIfAvailable({ (handle: NIOBSDSocket.Handle) in handle }) else {
      return nil
    }
    self.descriptor = descriptor
  }

  /// Moves the reader's index of `bytes` behind what was sent. Whatever the reason that something is left, NIO meets it
  /// again when it writes that, and does what is to be done.
  func send(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) {
    // A channel that is closed has given up its descriptor, which may be another's by now.
    guard queuedCount == 0, context.channel.isActive else { return }
    let sent = bytes.withUnsafeReadableBytes {
      Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
    }
    if sent > 0 { bytes.moveReaderIndex(forwardBy: sent) }
  }

  mutating func begin() { queuedCount += 1 }

  mutating func end() { queuedCount -= 1 }
}
