import NIOCore
import SocketReactor

/// A socket of a `ReactorLoop`, without TLS.
final class ReactorTransport: ClientTransport, ByteReceiver {
  let closed: EventLoopFuture<Void>
  /// Until the socket's end: a connection that nobody holds any more still closes in order.
  private var connection: ClientConnection?
  private var socket: ReactorSocket?

  /// - Parameter whenConnected: called once, unless the connection hears of the transport's end before.
  /// - Throws: `ReactorFault`
  init(
    _ connection: ClientConnection, on loop: ReactorLoop, to peer: SocketAddress, from local: SocketAddress?,
    whenConnected: @escaping () -> Void
  ) throws(ReactorFault) {
    let promise = loop.makePromise(of: Void.self)
    (self.connection, closed) = (connection, promise.futureResult)
    do throws(ReactorFault) {
      let socket = try loop.connect(to: peer, from: local, whenConnected: whenConnected) { promise.succeed() }
      socket.receiver = self
      self.socket = socket
    } catch {
      promise.succeed()
      throw error
    }
  }

  // MARK: From the socket

  func received(_ bytes: UnsafeMutableRawBufferPointer) {
    connection?.received(bytes)
    connection?.readComplete()
  }

  func writabilityChanged() {}

  func ended() {
    let (fault, connection) = (socket?.fault, connection)
    (socket, self.connection) = (nil, nil)
    connection?.inactive(errno: fault)
  }

  // MARK: To the socket

  var isActive: Bool { socket.map { !$0.isConnecting && !$0.isClosed } ?? false }
  var bufferedByteCount: Int { socket?.unsentCount ?? 0 }

  func write(_ bytes: ByteBuffer) { socket?.write(bytes, whenTaken: nil) }
  func closeOutput() { socket?.closeOutput() }
  func close() { socket?.close() }
  func cut() { socket?.cut() }
  func pauseReading() { socket?.pauseReading() }
  func resumeReading() { socket?.resumeReading() }
}
