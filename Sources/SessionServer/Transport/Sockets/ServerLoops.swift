import Logging
import NIOCore
import NIOPosix
import SocketReactor

/// How the bytes of sockets are moved.
public enum SocketBackend: String, Sendable, CaseIterable {
  /// Whatever is fastest of what works here.
  case auto
  case uring
  case epoll
  /// SwiftNIO. With TLS it is the only one.
  case nio
}

/// The event loops of a server, and how connections come to them.
struct ServerLoops: Sendable {
  private enum Kind {
    case channels(MultiThreadedEventLoopGroup)
    case sockets(ReactorGroup)
  }

  private let kind: Kind

  /// - Throws: `ServerError` if what was asked for does not work here.
  init(_ configuration: ServerConfiguration, _ logger: Logger) throws(ServerError) {
    let count = max(1, configuration.loopCount)
    guard let backend = try ServerLoops.backend(configuration, logger) else {
      kind = .channels(MultiThreadedEventLoopGroup(numberOfThreads: count))
      return
    }
    do throws(ReactorFault) {
      kind = .sockets(try ReactorGroup(count: count, backend: backend))
    } catch {
      throw .io("\(backend) cannot be used: \(error)")
    }
  }

  /// Nil for NIO.
  private static func backend(
    _ configuration: ServerConfiguration, _ logger: Logger
  ) throws(ServerError) -> ReactorBackend? {
    switch configuration.io {
    case .nio: return nil
    case .auto: return configuration.tls == nil ? best(logger) : nil
    case .epoll: return try usable(.epoll, configuration)
    case .uring: return try usable(.uring, configuration)
    }
  }

  private static func best(_ logger: Logger) -> ReactorBackend? {
    for backend in ReactorBackend.allCases {
      guard let fault = backend.fault else { return backend }
      logger.info("passed over", metadata: ["io": "\(backend)", "reason": "\(fault)"])
    }
    return nil
  }

  private static func usable(
    _ backend: ReactorBackend, _ configuration: ServerConfiguration
  ) throws(ServerError) -> ReactorBackend {
    guard configuration.tls == nil else { throw .io("--io \(backend) has no TLS") }
    if let fault = backend.fault { throw .io("--io \(backend) does not work here: \(fault)") }
    return backend
  }

  /// Which one it is.
  var io: SocketBackend {
    switch kind {
    case .channels: .nio
    case .sockets(let group):
      switch group.loops[0].backend {
      case .epoll: .epoll
      case .uring: .uring
      }
    }
  }

  var group: any EventLoopGroup {
    switch kind {
    case .channels(let group): group
    case .sockets(let group): group
    }
  }

  /// Gives back what the loops keep for bytes that come and go, and what their threads keep of the allocator's.
  func giveBackMemory() async {
    // A loop that has ended has nothing.
    switch kind {
    case .channels(let group):
      for loop in group.makeIterator() { try? await loop.submit { ProcessMemory.giveBackOfThread() }.get() }
    case .sockets(let group):
      for loop in group.loops { try? await loop.giveBackMemory().get() }
    }
  }

  /// - Parameter peers: the driver of each loop of the group, in its order.
  func listener(_ services: Services, _ peers: [Peer]) async throws -> any Listener {
    switch kind {
    case .channels(let group): try await ChannelListener(group, services, peers)
    case .sockets(let group): try await SocketListener(group, services, peers)
    }
  }
}
