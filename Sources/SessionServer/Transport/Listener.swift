import Glibc
import NIOCore
import NIOPosix

/// Where clients come in: the network, a Unix socket, or both.
struct Listener {
  private let group: MultiThreadedEventLoopGroup
  private let services: Services
  /// A child's loop is picked by NIO, one after the other; its driver is the one that lives there.
  private let drivers: [ObjectIdentifier: NIOLoopBound<ShardDriver>]

  private static let backlog: Int32 = 4_096

  init(_ group: MultiThreadedEventLoopGroup, _ services: Services, _ peers: [Peer]) {
    (self.group, self.services) = (group, services)
    drivers = Dictionary(uniqueKeysWithValues: peers.map { (ObjectIdentifier($0.loop), $0.driver) })
  }

  /// - Throws: `ServerError`; nothing is listened on then.
  func listen() async throws -> (channels: [any Channel], unixSocket: UnixSocket?) {
    let configuration = services.configuration
    var channels: [any Channel] = []
    if configuration.listensOnNetwork {
      channels.append(try await network(configuration.host, configuration.port))
    }
    guard let settings = configuration.unixSocket else { return (channels, nil) }
    do {
      let (channel, socket) = try await local(settings)
      return (channels + [channel], socket)
    } catch {
      for channel in channels { try? await channel.close() }
      throw error
    }
  }

  private func network(_ host: String, _ port: Int) async throws -> any Channel {
    let bootstrap = bootstrap(tls: services.tls)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
    do {
      return try await bootstrap.bind(host: host, port: port).get()
    } catch {
      throw ServerError(error, host: host, port: port)
    }
  }

  /// Without TLS, which would protect nothing that the file's permissions do not.
  private func local(_ settings: UnixSocketSettings) async throws -> (any Channel, UnixSocket) {
    let socket: UnixSocket
    do throws(UnixSocket.Fault) {
      socket = try UnixSocket.listen(settings.path, mode: settings.mode, backlog: Listener.backlog)
    } catch {
      switch error {
      case .inUse: throw ServerError.unixSocketInUse(path: settings.path)
      case .failed(let reason): throw ServerError.unixSocket(path: settings.path, reason: reason)
      }
    }
    do {
      return (try await bootstrap(tls: nil).withBoundSocket(socket.descriptor).get(), socket)
    } catch {
      socket.remove()
      close(socket.descriptor)
      throw ServerError.unixSocket(path: settings.path, reason: "\(error)")
    }
  }

  private func bootstrap(tls: TLSKeeper?) -> ServerBootstrap {
    let (drivers, services) = (drivers, services)
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Listener.backlog)
      // Few, since so many may be accepted beyond the bound on sockets.
      .serverChannelOption(.maxMessagesPerRead, value: 16)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptGate(services: services))
        }
      }
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let driver = drivers[ObjectIdentifier(channel.eventLoop)] else { throw ChannelError.ioOnClosedChannel }
          if services.configuration.proxies.expectsHeader {
            try channel.pipeline.syncOperations.addHandler(ProxyProtocolHandler(services: services))
          }
          try tls?.secure(channel)
          try channel.pipeline.syncOperations.addHandler(ConnectionHandler(driver: driver.value))
        }
      }
  }
}

extension ServerError {
  /// What the system said of a bind, in our words.
  init(_ error: any Error, host: String, port: Int) {
    guard let error = error as? IOError else {
      self = .cannotListen(host: host, port: port, reason: "\(error)")
      return
    }
    switch error.errnoCode {
    case EADDRINUSE: self = .addressInUse(host: host, port: port)
    case EACCES, EPERM: self = .notPermitted(host: host, port: port)
    default: self = .cannotListen(host: host, port: port, reason: SystemError.text(error.errnoCode))
    }
  }
}
