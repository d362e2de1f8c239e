import NIOCore

/// A connected socket of bytes, whatever moves them: the seam between what is said on a connection and the input and
/// output beneath it. Lives on one event loop and is used on it only.
///
/// A class and not a protocol, so that what is looked at for each write lies in the object itself.
open class ByteSocket {
  /// Who hears what comes. May be changed at any time, also from within a call of the one before, who then passes on
  /// what it has been handed.
  public final var receiver: (any ByteReceiver)?
  /// False while more waits to be sent than `highWatermark`, until there is less than `lowWatermark`.
  public final package(set) var isWritable = true

  /// Bytes.
  public static let highWatermark = 65_536
  public static let lowWatermark = 32_768

  public init() {}

  /// How many bytes of the object a write touches.
  package static let touchedByteCount = 192

  /// The peer's; nil if it is not known any more.
  open var remoteAddress: SocketAddress? { nil }

  /// Whom the peer's certificate names, if what carries the bytes has verified one.
  open var verifiedSubject: String? { nil }

  /// Sends the bytes after all that was written before. What the kernel does not take at once waits here, whatever
  /// `isWritable` says; on a socket that has ended it is thrown away.
  /// - Parameter whenTaken: called when the kernel has taken them, within the call or after it; never if the socket ends
  ///   before.
  open func write(_ bytes: ByteBuffer, whenTaken: (() -> Void)? = nil) { preconditionFailure("a socket writes") }

  /// The same for bytes that are the caller's again after the call.
  open func write(copying bytes: UnsafeRawBufferPointer) { write(ByteBuffer(bytes: bytes)) }

  /// Tells the peer that nothing more comes after what was written. It is still read.
  open func closeOutput() { preconditionFailure("a socket closes its output") }

  /// Ends the socket and throws away what waits.
  open func close() { preconditionFailure("a socket closes") }

  /// Reads no more until `resumeReading`. What has been read already is handed over all the same. Costs nothing if it
  /// is over before anything comes.
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
  /// The socket is gone: the peer closed its end, it broke, or it was closed here. Comes once and last, at once or soon
  /// after a call that brought it about.
  func ended()
}
