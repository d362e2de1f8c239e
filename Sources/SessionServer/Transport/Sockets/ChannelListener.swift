import Glibc
import NIOCore
import NIOPosix

/// Connections that NIO moves the bytes of.
struct ChannelListener: Listener {
  private let group: MultiThreadedEventLoopGroup
  private let services: Services
  /// A child's loop is picked by NIO, one after the other; its driver is the one that lives there.
  private let places: [ObjectIdentifier: NIOLoopBound<(driver: ShardDriver, input: ChannelInput)>]

  init(_ group: MultiThreadedEventLoopGroup, _ services: Services, _ peers: [Peer]) async throws {
    (self.group, self.services) = (group, services)
    var places: [ObjectIdentifier: NIOLoopBound<(driver: ShardDriver, input: ChannelInput)>] = [:]
    for peer in peers {
      let loop = peer.loop
      places[ObjectIdentifier(loop)] = try await peer.read { NIOLoopBound(($0, ChannelInput()), eventLoop: loop) }
    }
    self.places = places
  }

  func network(_ host: String, _ port: Int) async throws(ServerError) -> any Entrance {
    let bootstrap = bootstrap(tls: services.tls)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
    do {
      return ChannelEntrance(channel: try await bootstrap.bind(host: host, port: port).get())
    } catch {
      throw ServerError(error, host: host, port: port)
    }
  }

  /// Without TLS, which would protect nothing that the file's permissions do not.
  func local(_ descriptor: Int32) async throws(IOError) -> any Entrance {
    do {
      return ChannelEntrance(channel: try await bootstrap(tls: nil).withBoundSocket(descriptor).get())
    } catch {
      // NIO has closed the descriptor.
      throw error as? IOError ?? IOError(errnoCode: EINVAL, reason: "\(error)")
    }
  }

  private func bootstrap(tls: TLSKeeper?) -> ServerBootstrap {
    let (places, services) = (places, services)
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: ChannelListener.backlog)
      // Few, since so many may be accepted beyond the bound on sockets.
      .serverChannelOption(.maxMessagesPerRead, value: 16)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            ChannelAcceptHandler { AcceptGate(services: services, loop: $0, goOn: $1) })
        }
      }
      // A peer of TLS says itself that it sends nothing more.
      .childChannelOption(.allowRemoteHalfClosure, value: tls == nil)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let place = places[ObjectIdentifier(channel.eventLoop)]?.value else {
            throw ChannelError.ioOnClosedChannel
          }
          if services.configuration.proxies.expectsHeader {
            try channel.pipeline.syncOperations.addHandler(ProxyProtocolHandler(services: services))
          }
          try tls?.secure(channel)
          try channel.pipeline.syncOperations.addHandler(
            ChannelSocket(place.input) { socket in
              let peer = socket.announcedPeer ?? PeerAddress(socket.remoteAddress)
              ConnectionHandler(driver: place.driver, socket: socket).begin(for: peer)
            })
        }
      }
  }
}

private struct ChannelEntrance: Entrance {
  let channel: any Channel

  var port: Int? { channel.localAddress?.port }

  func close() async { try? await channel.close() }
}
