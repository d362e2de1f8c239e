import Glibc
import NIOCore
import NIOPosix

/// The operators' way in: HTTP/1.1 over a Unix socket, on a loop of its own so that a long answer holds up no client.
struct AdminServer: Sendable {
  let path: String
  private let channel: any Channel
  private let group: MultiThreadedEventLoopGroup

  /// Operators at one time.
  static let connectionCount = 64

  static func start(_ path: String, _ responder: AdminResponder) async throws -> AdminServer {
    let descriptor = try AdminSocket.listen(path)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.maxMessagesPerRead, value: 4)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler(shouldForwardIOErrorCaught: false))
        }
      }
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AdminHandler(responder))
        }
      }
    do {
      let channel = try await bootstrap.withBoundSocket(descriptor).get()
      return AdminServer(path: path, channel: channel, group: group)
    } catch {
      close(descriptor)
      try? await group.shutdownGracefully()
      throw ServerError.adminSocket(path: path, reason: "\(error)")
    }
  }

  func stop() async {
    unlink(path)
    try? await channel.close()
    try? await group.shutdownGracefully()
  }
}
