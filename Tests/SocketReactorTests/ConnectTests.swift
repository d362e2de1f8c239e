import Glibc
import NIOCore
import SocketReactor
import Synchronization
import Testing

/// A socket that listens, with calls that wait.
private final class Host: Sendable {
  let number: Int32
  let address: SocketAddress

  init() throws { (number, address) = try listeningSocket(blocks: true) }

  deinit { close(number) }

  func accept() async -> Peer { await Task.detached { [number] in Peer(number: Glibc.accept(number, nil, nil)) }.value }
}

/// A socket that connects, and what it tells.
private struct Caller {
  let recorder: NIOLoopBound<Recorder>
  let socket: NIOLoopBound<ReactorSocket>
  let isConnected: EventLoopFuture<Void>

  static func call(_ loop: ReactorLoop, _ peer: SocketAddress, from local: SocketAddress? = nil) async throws -> Caller {
    try await loop.submit {
      let promise = loop.makePromise(of: Void.self)
      let socket: ReactorSocket
      do {
        socket = try loop.connect(
          to: peer, from: local, whenConnected: { promise.succeed() }, whenEnded: { promise.fail(ChannelError.eof) })
      } catch {
        promise.fail(error)
        throw error
      }
      // Nothing can be written yet, and nothing is kept.
      socket.write(ByteBuffer(string: "too early"), whenTaken: nil)
      return Caller(
        recorder: NIOLoopBound(Recorder(socket, loop), eventLoop: loop), socket: NIOLoopBound(socket, eventLoop: loop),
        isConnected: promise.futureResult)
    }.get()
  }

  /// One that is connected, and its peer.
  static func connected(_ loop: ReactorLoop, _ host: Host, from local: SocketAddress? = nil) async throws -> (Caller, Peer) {
    let caller = try await call(loop, host.address, from: local)
    let peer = await host.accept()
    try await caller.isConnected.get()
    return (caller, peer)
  }

  func with<Value: Sendable>(_ body: @escaping @Sendable (ReactorSocket, Recorder) -> Value) async throws -> Value {
    try await socket.eventLoop.submit { body(socket.value, recorder.value) }.get()
  }
}

private final class Order: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

@Suite struct ConnectTests {
  @Test(arguments: ReactorBackend.usable) func bytesGoBothWays(_ backend: ReactorBackend) async throws {
    let host = try Host()
    try await withLoop(backend) { loop in
      let local = try SocketAddress(ipAddress: "127.0.0.7", port: 0)
      let (caller, peer) = try await Caller.connected(loop, host, from: local)
      try await caller.with { socket, _ in socket.write(ByteBuffer(string: "hello"), whenTaken: nil) }
      #expect(peer.read(5) == Array("hello".utf8))
      peer.write(Array("welcome".utf8))
      while try await caller.with({ $1.bytes.count }) < 7 { await Task.yield() }
      #expect(try await caller.with { $1.bytes } == Array("welcome".utf8))
      #expect(try await caller.with { socket, _ in socket.unsentCount } == 0)
      try await caller.with { socket, _ in socket.close() }
      #expect(peer.read(1) == [])
      try await loop.flatSubmit { caller.recorder.value.ending }.get()
      #expect(try await caller.with { socket, _ in socket.fault } == nil)
    }
  }

  /// Whoever connects hears so before he hears the peer, also of one that has said all when the loop looks.
  @Test(arguments: ReactorBackend.usable) func whatThePeerSaysComesBehindTheConnection(_ backend: ReactorBackend) async throws {
    let host = try Host()
    try await withLoop(backend) { loop in
      let answered = Task.detached { await host.accept().write(Array("hello".utf8)) }
      let order = Order()
      let address = host.address
      let recorder = try await loop.submit {
        let socket = try loop.connect(to: address, whenConnected: { order.add("connected") }, whenEnded: {})
        let recorder = Recorder(socket, loop)
        recorder.onRead = { order.add("\($0) bytes") }
        usleep(50_000)
        return NIOLoopBound(recorder, eventLoop: loop)
      }.get()
      await answered.value
      try await loop.flatSubmit { recorder.value.ending }.get()
      #expect(order.all == ["connected", "5 bytes"])
    }
  }

  @Test(arguments: ReactorBackend.usable) func nobodyListens(_ backend: ReactorBackend) async throws {
    let host = try Host()
    let address = host.address
    shutdown(host.number, Int32(SHUT_RDWR))
    try await withLoop(backend) { loop in
      let caller = try await Caller.call(loop, address)
      await #expect(throws: ChannelError.eof) { try await caller.isConnected.get() }
      #expect(try await caller.with { socket, _ in socket.fault } == ECONNREFUSED)
      #expect(try await caller.with { $1.endedCount } == 1)
    }
  }

  @Test(arguments: ReactorBackend.usable) func anAddressThatIsNotOursIsRefusedAtOnce(_ backend: ReactorBackend) async throws {
    let host = try Host()
    try await withLoop(backend) { loop in
      let local = try SocketAddress(ipAddress: "192.0.2.1", port: 0)
      await #expect(throws: ReactorFault.self) { _ = try await Caller.call(loop, host.address, from: local) }
    }
  }

  /// The peer sees that what was under way is lost.
  @Test(arguments: ReactorBackend.usable) func isCut(_ backend: ReactorBackend) async throws {
    let host = try Host()
    try await withLoop(backend) { loop in
      let (caller, peer) = try await Caller.connected(loop, host)
      try await caller.with { socket, _ in socket.cut() }
      try await loop.flatSubmit { caller.recorder.value.ending }.get()
      let result = await Task.detached {
        var byte: UInt8 = 0
        return (recv(peer.number, &byte, 1, 0), errno)
      }.value
      #expect(result == (-1, ECONNRESET))
    }
  }

  @Test(arguments: ReactorBackend.usable) func thePeerCutsIt(_ backend: ReactorBackend) async throws {
    let host = try Host()
    try await withLoop(backend) { loop in
      let (caller, peer) = try await Caller.connected(loop, host)
      var cut = linger(l_onoff: 1, l_linger: 0)
      setsockopt(peer.number, SOL_SOCKET, SO_LINGER, &cut, socklen_t(MemoryLayout<linger>.size))
      // Closes the last descriptor of it.
      dup2(host.number, peer.number)
      try await loop.flatSubmit { caller.recorder.value.ending }.get()
      #expect(try await caller.with { socket, _ in socket.fault } == ECONNRESET)
    }
  }

  /// One that is given up on the way says nothing but its end.
  @Test(arguments: ReactorBackend.usable) func isGivenUpOnTheWay(_ backend: ReactorBackend) async throws {
    let host = try Host()
    try await withLoop(backend) { loop in
      let address = host.address
      let future = try await loop.submit {
        let promise = loop.makePromise(of: Void.self)
        let socket = try loop.connect(to: address, whenConnected: { Issue.record("connected") }, whenEnded: { promise.succeed() })
        socket.close()
        return NIOLoopBound(promise.futureResult, eventLoop: loop)
      }.get()
      try await loop.flatSubmit { future.value }.get()
    }
  }
}
