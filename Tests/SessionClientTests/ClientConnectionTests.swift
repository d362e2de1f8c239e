import Glibc
import NIOCore
import SessionClient
import SessionCore
import SocketReactor
import Synchronization
import Testing
import WebSocketFrames

/// Keeps what a connection tells.
private final class Recorder: ClientConnectionDelegate, Sendable {
  let lines = Mutex<[String]>([])
  let ending = Mutex<ConnectionEnding?>(nil)

  private func add(_ line: String) { lines.withLock { $0.append(line) } }

  func connectionOpened(_ connection: ClientConnection, subprotocol: String?) { add("open \(subprotocol ?? "-")") }
  func connection(_ connection: ClientConnection, received text: Span<UInt8>) {
    add(text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
  }
  func connection(_ connection: ClientConnection, receivedBinary bytes: Span<UInt8>) { add("binary \(bytes.count)") }
  func connectionHeard(_ connection: ClientConnection) {}
  func connectionReadComplete(_ connection: ClientConnection) {}
  func connectionClosed(_ connection: ClientConnection, _ ending: ConnectionEnding) {
    self.ending.withLock { $0 = ending }
    add("closed")
  }
}

/// Waits until `condition` holds, for five seconds at most.
func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
  for _ in 0..<1_000 {
    if try await condition() { return true }
    try? await Task.sleep(nanoseconds: 5_000_000)
  }
  return false
}

/// What moves the bytes of a connection.
enum TestLoops: String, Sendable, CaseIterable {
  case nio, epoll, uring

  /// Those that work here.
  static let usable = allCases.filter { $0.backend?.fault == nil }

  private var backend: ReactorBackend? { ReactorBackend(rawValue: rawValue) }

  private static let reactors = Mutex<[TestLoops: ReactorGroup]>([:])

  func next() throws -> any EventLoop {
    guard let backend else { return TestPeer.group.next() }
    return try TestLoops.reactors.withLock { groups in
      let group = try groups[self] ?? ReactorGroup(count: 2, backend: backend)
      groups[self] = group
      return group.next()
    }
  }
}

@Suite struct ClientConnectionTests {
  private func connect(
    _ url: String, on loops: TestLoops, keepingLoopBusy microseconds: UInt32 = 0, _ configure: @Sendable @escaping (inout ClientConnection.Configuration) -> Void = { _ in }
  ) async throws -> (NIOLoopBound<ClientConnection>, Recorder) {
    let recorder = Recorder()
    let loop = try loops.next()
    let connection = try await loop.submit {
      var configuration = ClientConnection.Configuration(try WebSocketURL(url))
      configure(&configuration)
      let connection = ClientConnection.connect(
        configuration, on: loop, random: ChaChaGenerator(seed: 5), delegate: recorder)
      // The peer may have said all that it says when the loop looks.
      usleep(microseconds)
      return NIOLoopBound(connection, eventLoop: loop)
    }.get()
    return (connection, recorder)
  }

  private func ending(
    _ manner: TestPeer.Manner, on loops: TestLoops,
    _ configure: @Sendable @escaping (inout ClientConnection.Configuration) -> Void = { _ in }
  ) async throws -> (ConnectionEnding?, [String]) {
    let peer = try await TestPeer(manner)
    let (_, recorder) = try await connect(peer.url, on: loops, configure)
    #expect(await eventually { recorder.ending.withLock { $0 != nil } })
    try await peer.stop()
    return (recorder.ending.withLock { $0 }, recorder.lines.withLock { $0 })
  }

  @Test(arguments: TestLoops.usable) func aRefusedUpgradeTellsStatusAndPause(_ loops: TestLoops) async throws {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nConnection: close\r\n\r\n"
    #expect(try await ending(.answer(answer), on: loops).0 == .refused(status: 503, retryAfterSeconds: 7))
  }

  @Test(arguments: TestLoops.usable) func garbageIsNoWebSocketServer(_ loops: TestLoops) async throws {
    guard case .notWebSocket = try await ending(.answer("SSH-2.0-OpenSSH_9.2\r\n"), on: loops).0 else {
      Issue.record("taken for a server")
      return
    }
    let wrong = "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
    guard case .notWebSocket = try await ending(.answer(wrong), on: loops).0 else {
      Issue.record("taken for a server")
      return
    }
  }

  @Test(arguments: TestLoops.usable) func anUpgradeThatIsNotAnsweredEnds(_ loops: TestLoops) async throws {
    let late = try await ending(.silent, on: loops) { $0.upgradeTimeoutMilliseconds = 50 }
    #expect(late.0 == .connectFailed("the server did not answer the upgrade in time"))
    guard case .connectFailed = try await ending(.hangUp, on: loops).0 else {
      Issue.record("not a failure to connect")
      return
    }
  }

  @Test(arguments: TestLoops.usable) func nobodyListens(_ loops: TestLoops) async throws {
    let peer = try await TestPeer(.silent)
    try await peer.stop()
    let (_, recorder) = try await connect(peer.url, on: loops)
    #expect(await eventually { recorder.ending.withLock { $0 != nil } })
    #expect(recorder.ending.withLock { $0 } == .connectFailed("connection refused"))
  }

  @Test func aSecureURLNeedsAServer() async throws {
    let (_, recorder) = try await connect("wss://127.0.0.1:1/", on: .nio)
    #expect(await eventually { recorder.ending.withLock { $0 != nil } })
    let ending = recorder.ending.withLock { $0 }
    if ClientTLS.isBuilt {
      #expect(ending == .connectFailed("connection refused"))
      #expect(try SessionClient.Configuration(url: "wss://localhost/").connection.url.isSecure)
    } else {
      #expect(ending == .insecure(.notBuilt))
      #expect(throws: ClientError.tlsNotSupported) { try SessionClient.Configuration(url: "wss://localhost/") }
    }
  }

  @Test(arguments: TestLoops.usable) func framesAreReadHoweverTheyCome(_ loops: TestLoops) async throws {
    let bytes: [UInt8] =
      [0x81, 1, 0x61] + [0x01, 1, 0x62] + [0x89, 0] + [0x80, 1, 0x63] + [0x82, 0]
      + [0x88, 5, 0x0F, 0xA0] + Array("bye".utf8)
    let (ending, lines) = try await ending(.frames(bytes), on: loops)
    #expect(lines == ["open wscore.v2.json", "a", "bc", "binary 0", "closed"])
    #expect(ending == .closed(code: 4000, reason: "bye", wasClean: true))
  }

  @Test(arguments: TestLoops.usable) func aServerThatBreaksTheProtocolIsLeft(_ loops: TestLoops) async throws {
    let masked = try await ending(.frames([0x81, 0x80, 0, 0, 0, 0]), on: loops).0
    #expect(masked == .violation(code: 1002, reason: "a server's frame is masked"))
    let big = try await ending(.frames([0x81, 127, 0, 0, 0, 0, 0xFF, 0, 0, 0]), on: loops).0
    #expect(big == .violation(code: 1009, reason: "message too big"))
    #expect(try await ending(.frames([0x88, 0]), on: loops).0 == .closed(code: nil, reason: "", wasClean: true))
  }

  @Test(arguments: TestLoops.usable) func theLocalAddressIsChosen(_ loops: TestLoops) async throws {
    let peer = try await TestPeer()
    let (connection, recorder) = try await connect(peer.url, on: loops) { $0.localAddress = "127.0.0.9" }
    #expect(await eventually { recorder.lines.withLock { !$0.isEmpty } })
    #expect(try await peer.with { $0.remotes } == ["127.0.0.9"])
    connection.eventLoop.execute { connection.value.close(1000) }
    #expect(await eventually { recorder.ending.withLock { $0 == .dropped(code: 1000) } })
  }

  @Test(arguments: TestLoops.usable) func aServerThatAnswersBeforeItIsAskedIsHeard(_ loops: TestLoops) async throws {
    let peer = try await TestPeer(.hasty("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\n"))
    let (_, recorder) = try await connect(peer.url, on: loops, keepingLoopBusy: 50_000)
    #expect(await eventually { recorder.ending.withLock { $0 != nil } })
    #expect(recorder.ending.withLock { $0 } == .refused(status: 503, retryAfterSeconds: 7))
    try await peer.stop()
  }

  @Test(arguments: TestLoops.usable) func ofWhatBreaksTheReasonIsTold(_ loops: TestLoops) async throws {
    let (_, recorder) = try await connect("ws://127.0.0.1:1/", on: loops) { $0.localAddress = "no address" }
    #expect(await eventually { recorder.ending.withLock { $0 != nil } })
    #expect(recorder.ending.withLock { $0 } == .connectFailed("the local address is no IP address"))
    // Nobody answers there, whatever the reason is: TEST-NET-1 of RFC 5737, from a loopback address.
    let (_, away) = try await connect("ws://192.0.2.1:1/", on: loops) {
      $0.localAddress = "127.0.0.1"
      $0.connectTimeoutMilliseconds = 200
    }
    #expect(await eventually { away.ending.withLock { $0 != nil } })
    guard case .connectFailed = away.ending.withLock({ $0 }) else {
      Issue.record("connected")
      return
    }
  }

  @Test(arguments: TestLoops.usable, [ClientConnection.Drop.rst, .fin, .clean(code: 1001)]) func isCutOnPurpose(
    _ loops: TestLoops, _ drop: ClientConnection.Drop
  ) async throws {
    let peer = try await TestPeer()
    let (connection, recorder) = try await connect(peer.url, on: loops)
    #expect(await eventually { recorder.lines.withLock { !$0.isEmpty } })
    let closed = try await connection.eventLoop.submit {
      let closed = connection.value.transportClosed
      connection.value.drop(drop)
      return closed.map { NIOLoopBound($0, eventLoop: connection.eventLoop) }
    }.get()
    let code: UInt16? = if case .clean(let code) = drop { code } else { nil }
    #expect(await eventually { recorder.ending.withLock { $0 == .dropped(code: code) } })
    try await connection.eventLoop.flatSubmit { closed?.value ?? connection.eventLoop.makeSucceededVoidFuture() }.get()
    #expect(await eventually { (try? await peer.with { $0.connectionCount }) == 0 })
    try await peer.stop()
  }

  /// What comes during a blackhole comes behind it, and in order.
  @Test(arguments: TestLoops.usable) func nothingIsLostInABlackhole(_ loops: TestLoops) async throws {
    let peer = try await TestPeer()
    let (connection, recorder) = try await connect(peer.url, on: loops)
    #expect(await eventually { recorder.lines.withLock { $0.count == 1 } })
    let hello = Array(#"{"v":2,"type":"hello","payload":{"versions":[2]}}"#.utf8)
    try await connection.eventLoop.submit {
      connection.value.blackhole(.in)
      connection.value.send(hello)
    }.get()
    #expect(await eventually { (try? await peer.with { $0.connectionCount }) == 1 })
    try await Task.sleep(for: .milliseconds(50))
    #expect(recorder.lines.withLock { $0.count } == 1)
    try await connection.eventLoop.submit { connection.value.endBlackhole() }.get()
    #expect(await eventually { recorder.lines.withLock { $0.count == 3 } })
    #expect(recorder.lines.withLock { $0.dropFirst().map { $0.contains(#""type":"welcome""#) } } == [true, false])
    connection.eventLoop.execute { connection.value.drop(.rst) }
    #expect(await eventually { recorder.ending.withLock { $0 != nil } })
    try await peer.stop()
  }
}
