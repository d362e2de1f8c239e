import Glibc
import NIOCore
import SocketReactor
import Synchronization
import Testing

/// Counts what a listener accepts and gives it to the loop; used on the loop only.
private final class Taker: ConnectionTaker {
  private let loop: ReactorLoop
  var remaining = Int.max
  private(set) var sockets: [ByteSocket] = []
  private(set) var failures: [Int32] = []

  init(_ loop: ReactorLoop) { self.loop = loop }

  func mayAccept() -> Bool { remaining > 0 }

  func accepted(_ descriptor: Int32) {
    remaining -= 1
    if let socket = loop.adopt(descriptor, whenEnded: {}) { sockets.append(socket) }
  }

  func acceptFailed(_ number: Int32) { failures.append(number) }
}

private func connect(to address: SocketAddress) -> Peer {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  _ = address.withSockAddr { pointer, size in Glibc.connect(descriptor, pointer, socklen_t(size)) }
  return Peer(number: descriptor)
}

@Suite struct ListenerTests {
  private struct Place {
    let loop: ReactorLoop
    let address: SocketAddress
    let taker: NIOLoopBound<Taker>
    let listener: NIOLoopBound<ReactorListener>

    func count() async throws -> Int { try await loop.submit { taker.value.sockets.count }.get() }

    func wait(for count: Int) async throws {
      for _ in 0..<10_000 {
        if try await self.count() >= count { return }
        try await Task.sleep(for: .milliseconds(1))
      }
    }
  }

  private func withPlace(_ backend: ReactorBackend, _ body: (Place) async throws -> Void) async throws {
    try await withLoop(backend) { loop in
      let (descriptor, address) = try listeningSocket()
      let (taker, listener) = try await loop.submit {
        let taker = Taker(loop)
        guard let listener = loop.listen(descriptor, taker) else { throw ReactorFault(call: "listen", number: 0) }
        return (NIOLoopBound(taker, eventLoop: loop), NIOLoopBound(listener, eventLoop: loop))
      }.get()
      try await body(Place(loop: loop, address: address, taker: taker, listener: listener))
    }
  }

  @Test(arguments: ReactorBackend.usable) func acceptsAllWhoCome(_ backend: ReactorBackend) async throws {
    try await withPlace(backend) { place in
      let peers = (0..<200).map { _ in connect(to: place.address) }
      try await place.wait(for: 200)
      #expect(try await place.count() == peers.count)
      let remotes = try await place.loop.submit {
        place.taker.value.sockets.map { $0.remoteAddress?.ipAddress }
      }.get()
      #expect(remotes.allSatisfy { $0 == "127.0.0.1" })
      // They are there until now.
      withExtendedLifetime(peers) {}
    }
  }

  @Test(arguments: ReactorBackend.usable) func thoseWhoMayNotComeWait(_ backend: ReactorBackend) async throws {
    try await withPlace(backend) { place in
      try await place.loop.submit { place.taker.value.remaining = 2 }.get()
      let peers = (0..<5).map { _ in connect(to: place.address) }
      try await place.wait(for: 2)
      try await place.loop.submit { place.listener.value.pause() }.get()
      try await Task.sleep(for: .milliseconds(20))
      #expect(try await place.count() == 2)
      try await place.loop.submit {
        place.taker.value.remaining = .max
        place.listener.value.resume()
      }.get()
      try await place.wait(for: 5)
      #expect(try await place.count() == peers.count)
    }
  }

  @Test(arguments: ReactorBackend.usable) func closedListenerRefuses(_ backend: ReactorBackend) async throws {
    try await withPlace(backend) { place in
      try await place.loop.submit {
        place.listener.value.close()
        place.listener.value.resume()
      }.get()
      let peer = connect(to: place.address)
      let sent = [UInt8(1)].withUnsafeBytes { send(peer.number, $0.baseAddress, 1, Int32(MSG_NOSIGNAL)) }
      #expect(sent == -1)
    }
  }
}
