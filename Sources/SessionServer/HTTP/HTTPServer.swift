import NIOCore
import NIOPosix
import Synchronization
import WebSocketFrames

/// Bounds of an internal HTTP server.
package struct HTTPServerLimits: Sendable {
  /// Connections at one time; one more is answered with 503.
  package var connectionCount = 64
  package var bodyByteCount = 1_048_576
  /// Whether a connection takes one request after the other; if not it ends with its response.
  package var keepsConnections = true
  /// Time for a whole head to arrive, and again for a whole body.
  package var requestMilliseconds: Int64 = 10_000
  /// Time between two requests of a connection.
  package var idleMilliseconds: Int64 = 60_000
  /// Time for the peer to take a whole response.
  package var writeMilliseconds: Int64 = 30_000
  /// Time for the peer to close after the last response.
  package var lingerMilliseconds: Int64 = 2_000
  /// Fields of every response: who answers.
  package var mark: [HTTPField] = []

  package init() {}
}

/// HTTP/1.1 for operators or for backends, on a loop of its own so that a long answer holds up no client.
struct HTTPServer: Sendable {
  let channel: any Channel
  private let group: MultiThreadedEventLoopGroup

  /// - Parameter bind: makes the listening channel.
  static func start(
    _ router: HTTPRouter, limits: HTTPServerLimits = HTTPServerLimits(),
    bind: (ServerBootstrap) async throws -> any Channel
  ) async throws -> HTTPServer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let census = Census(limit: limits.connectionCount)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.maxMessagesPerRead, value: 4)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ChannelAcceptHandler { SpareGate(loop: $0, goOn: $1) })
        }
      }
      // A client may say that it sends nothing more and still wait for its answer.
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(HTTPConnection(router, limits, census))
        }
      }
    do {
      return HTTPServer(channel: try await bind(bootstrap), group: group)
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  func stop() async {
    try? await channel.close()
    try? await group.shutdownGracefully()
  }

  /// How many connections there are.
  final class Census: Sendable {
    private let count = Atomic(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// False if there is no place; `leave` follows either way.
    func enter() -> Bool { count.wrappingAdd(1, ordering: .relaxed).newValue <= limit }

    func leave() { count.wrappingSubtract(1, ordering: .relaxed) }
  }
}
