import NIOCore

/// What carries a connection's bytes. Lives on the connection's event loop and is used on it only; tells the connection
/// what comes (`received`, `readComplete`) and its own end (`inactive`), once.
protocol ClientTransport: AnyObject {
  /// Connected, and not ended.
  var isActive: Bool { get }
  /// Bytes that were written and that the system has not taken.
  var bufferedByteCount: Int { get }
  /// Fulfilled when it is closed at both ends.
  var closed: EventLoopFuture<Void> { get }

  func write(_ bytes: ByteBuffer)
  /// Tells the peer that nothing more comes after what was written.
  func closeOutput()
  func close()
  /// Closes without another word, so that the peer sees an error (RST).
  func cut()
  /// What is under way may still come.
  func pauseReading()
  func resumeReading()
}
