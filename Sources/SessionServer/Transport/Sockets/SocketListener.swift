import Glibc
import NIOCore
import SocketReactor
import Synchronization

/// Connections whose bytes the loops move themselves.
struct SocketListener: Listener {
  private let loop: ReactorLoop
  private let services: Services
  private let dealer: NIOLoopBound<SocketDealer>

  /// - Parameter peers: the driver of each loop of the group, in its order.
  init(_ group: ReactorGroup, _ services: Services, _ peers: [Peer]) async throws {
    (loop, self.services) = (group.loops[0], services)
    let (loop, places) = (loop, zip(group.loops, peers).map { SocketPlace(loop: $0, driver: $1.driver) })
    dealer = try await loop.submit { NIOLoopBound(SocketDealer(places, services), eventLoop: loop) }.get()
  }

  func network(_ host: String, _ port: Int) async throws(ServerError) -> any Entrance {
    do {
      let address = try SocketAddress.makeAddressResolvingHost(host, port: port)
      let descriptor = try SystemSocket.listen(on: address, backlog: SocketListener.backlog)
      return try await entrance(descriptor, port: SystemSocket.port(of: descriptor))
    } catch {
      throw ServerError(error, host: host, port: port)
    }
  }

  func local(_ descriptor: Int32) async throws(IOError) -> any Entrance { try await entrance(descriptor, port: nil) }

  private func entrance(_ descriptor: Int32, port: Int?) async throws(IOError) -> any Entrance {
    let (loop, services, dealer) = (loop, services, dealer)
    let door = try? await loop.submit { () -> NIOLoopBound<SocketDoor>? in
      let door = SocketDoor(loop, services, dealer.value)
      return door.open(descriptor) ? NIOLoopBound(door, eventLoop: loop) : nil
    }.get()
    guard let door = door ?? nil else { throw IOError(errnoCode: ENOMEM, reason: "listen") }
    return SocketEntrance(loop: loop, door: door, port: port)
  }
}

private struct SocketEntrance: Entrance {
  let loop: ReactorLoop
  let door: NIOLoopBound<SocketDoor>
  let port: Int?

  func close() async {
    // It fails when the loop has ended, and the door with it.
    try? await loop.submit { door.value.close() }.get()
  }
}

private struct SocketPlace: Sendable {
  let loop: ReactorLoop
  let driver: NIOLoopBound<ShardDriver>

  /// On its loop: a connection begins.
  func begin(_ descriptor: Int32, _ services: Services) {
    let socket = loop.adopt(descriptor) { services.socketCount.wrappingSubtract(1, ordering: .relaxed) }
    guard let socket else {
      services.socketCount.wrappingSubtract(1, ordering: .relaxed)
      return
    }
    let driver = driver.value
    if services.configuration.proxies.expectsHeader {
      ProxyReceiver(driver, socket).begin()
    } else {
      ConnectionHandler(driver: driver, socket: socket).begin(for: PeerAddress(socket.remoteAddress))
    }
  }
}

/// Deals accepted connections to the loops in turn, so that each has as many as the others. Lives on the loop that
/// accepts.
private final class SocketDealer {
  private let places: [SocketPlace]
  private let services: Services
  private var next = 0

  init(_ places: [SocketPlace], _ services: Services) { (self.places, self.services) = (places, services) }

  func deal(_ descriptor: Int32) {
    let (place, services) = (places[next], services)
    next = (next + 1) % places.count
    services.socketCount.wrappingAdd(1, ordering: .relaxed)
    SystemSocket.sendAtOnce(descriptor)
    if place.loop.inEventLoop {
      place.begin(descriptor, services)
    } else {
      place.loop.execute { place.begin(descriptor, services) }
    }
  }
}

/// A listening socket and what decides when it accepts.
private final class SocketDoor: ConnectionTaker {
  private let loop: ReactorLoop
  private let dealer: SocketDealer
  private let services: Services
  private var gate: AcceptGate?
  private var listener: ReactorListener?

  init(_ loop: ReactorLoop, _ services: Services, _ dealer: SocketDealer) {
    (self.loop, self.services, self.dealer) = (loop, services, dealer)
  }

  /// False if there is no room for it.
  func open(_ descriptor: Int32) -> Bool {
    listener = loop.listen(descriptor, self)
    gate = AcceptGate(services: services, loop: loop) { [unowned self] in listener?.resume() }
    return listener != nil
  }

  func close() {
    gate?.stop()
    listener?.close()
    (gate, listener) = (nil, nil)
  }

  // MARK: The taker

  func mayAccept() -> Bool { gate?.mayAccept() == true }

  func accepted(_ descriptor: Int32) { dealer.deal(descriptor) }

  func acceptFailed(_ number: Int32) { gate?.failed(number) }
}
