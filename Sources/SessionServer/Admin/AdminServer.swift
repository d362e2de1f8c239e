import NIOCore
import NIOPosix
import WebSocketFrames

/// The operators' way in: HTTP/1.1 over a Unix socket that only its owner may use.
package struct AdminServer: Sendable {
  /// The name of a field that every response has, so that no other program is taken for this server.
  package static let mark = "Wscore-Admin"

  let socket: UnixSocket
  private let server: HTTPServer

  static func start(_ path: String, _ responder: AdminResponder) async throws -> AdminServer {
    let socket: UnixSocket
    do throws(UnixSocket.Fault) {
      socket = try UnixSocket.listen(path, mode: 0o600, backlog: 64)
    } catch {
      switch error {
      case .inUse: throw ServerError.adminSocketInUse(path: path)
      case .failed(let reason): throw ServerError.adminSocket(path: path, reason: reason)
      }
    }
    // So that whoever reads to the end, by hand or in a script, has the answer.
    var limits = HTTPServerLimits()
    limits.keepsConnections = false
    limits.mark = [HTTPField(AdminServer.mark, "1")]
    do {
      let server = try await HTTPServer.start(responder.router, limits: limits) { bootstrap in
        try await bootstrap.withBoundSocket(socket.descriptor).get()
      }
      return AdminServer(socket: socket, server: server)
    } catch {
      // NIO has closed the descriptor.
      socket.remove()
      throw ServerError.adminSocket(path: path, reason: "\(error)")
    }
  }

  func stop() async {
    socket.remove()
    await server.stop()
  }
}
