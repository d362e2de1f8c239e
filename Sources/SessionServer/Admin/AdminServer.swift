import Glibc
import NIOCore
import NIOPosix

/// The operators' way in: HTTP/1.1 over a Unix socket.
struct AdminServer: Sendable {
  let path: String
  private let server: HTTPServer

  static func start(_ path: String, _ responder: AdminResponder) async throws -> AdminServer {
    let descriptor = try AdminSocket.listen(path)
    // So that whoever reads to the end, by hand or in a script, has the answer.
    var limits = HTTPServerLimits()
    limits.keepsConnections = false
    do {
      let server = try await HTTPServer.start(responder.router, limits: limits) { bootstrap in
        try await bootstrap.withBoundSocket(descriptor).get()
      }
      return AdminServer(path: path, server: server)
    } catch {
      close(descriptor)
      throw ServerError.adminSocket(path: path, reason: "\(error)")
    }
  }

  func stop() async {
    unlink(path)
    await server.stop()
  }
}
