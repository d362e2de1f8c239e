import NIOCore

/// A connected socket of bytes, whatever moves them: the seam between what is said on a connection and the input and
/// output beneath it. Lives on one event loop and is used on it only.
///
/// A class and not a protocol, so that what is looked at for each write lies in the object itself.
open class ByteSocket {
  /// Who hears what comes. May be changed at any time, also from within a call of the one before; the rest of what is
  /// being handed over is then the old one's to pass on.
  public final var receiver: (any ByteReceiver)?
  /// False while more waits to be sent than `highWatermark`, until there is less than `lowWatermark`.
  public final package(set) var isWritable = true

  /// Bytes.
  public static let highWatermark = 65_536
  public static let lowWatermark = 32_768

  public init() {}

  /// The peer's; nil if it is not known any more.
  open var remoteAddress: SocketAddress? { nil }

  /// Sends the bytes after all that was written before. What the kernel does not take at once waits here, whatever
  /// `isWritable` says; on a socket that has ended it is thrown away.
  open func write(_ bytes: ByteBuffer) { preconditionFailure("a socket writes") }

  /// Calls `body` when the kernel has taken all that was written so far; never if the socket ends before.
  open func whenTaken(_ body: @escaping () -> Void) { preconditionFailure("a socket knows what was taken") }

  /// Tells the peer that nothing more comes after what was written. It is still read.
  open func closeOutput() { preconditionFailure("a socket closes its output") }

  /// Ends the socket and throws away what waits.
  open func close() { preconditionFailure("a socket closes") }

  /// Reads no more until `resumeReading`. What has been read already is handed over all the same.
  open func pauseReading() { preconditionFailure("a socket can be paused") }

  open func resumeReading() { preconditionFailure("a socket can be resumed") }

  /// How long the peer's kernel may leave bytes unacknowledged before the socket ends (TCP_USER_TIMEOUT of tcp(7)).
  /// Means nothing to sockets that are not TCP's.
  open func boundSilence(milliseconds: Int) {}
}

/// What a `ByteSocket` tells. All calls come on its loop.
public protocol ByteReceiver: AnyObject {
  /// Bytes came. They lie in memory that is the socket's again after the call, and may be changed meanwhile.
  func received(_ bytes: UnsafeMutableRawBufferPointer)
  /// `ByteSocket.isWritable` changed. May come from within a write.
  func writabilityChanged()
  /// The socket is gone: the peer closed its end, it broke, or it was closed here. Comes once and last.
  func ended()
}
