import NIOCore
import SessionClient
import SessionCore
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

@Suite struct ClientConnectionTests {
  private func connect(
    _ url: String, _ configure: @Sendable @escaping (inout ClientConnection.Configuration) -> Void = { _ in }
  ) async throws -> (NIOLoopBound<ClientConnection>, Recorder) {
    let recorder = Recorder()
    let loop = TestPeer.group.next()
    let connection = try await loop.submit {
      var configuration = ClientConnection.Configuration(try WebSocketURL(url))
      configure(&configuration)
      return NIOLoopBound(
        ClientConnection.connect(configuration, on: loop, random: ChaChaGenerator(seed: 5), delegate: recorder),
        eventLoop: loop)
    }.get()
    return (connection, recorder)
  }

  private func ending(
    _ manner: TestPeer.Manner,
    _ configure: @Sendable @escaping (inout ClientConnection.Configuration) -> Void = { _ in }
  ) async throws -> (ConnectionEnding?, [String]) {
    let peer = try await TestPeer(manner)
    let (_, recorder) = try await connect(peer.url, configure)
    #expect(await eventually { recorder.ending.withLock { $0 != nil } })
    try await peer.stop()
    return (recorder.ending.withLock { $0 }, recorder.lines.withLock { $0 })
  }

  @Test func aRefusedUpgradeTellsStatusAndPause() async throws {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nConnection: close\r\n\r\n"
    #expect(try await ending(.answer(answer)).0 == .refused(status: 503, retryAfterSeconds: 7))
  }

  @Test func garbageIsNoWebSocketServer() async throws {
    guard case .notWebSocket = try await ending(.answer("SSH-2.0-OpenSSH_9.2\r\n")).0 else {
      Issue.record("taken for a server")
      return
    }
    let wrong = "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
    guard case .notWebSocket = try await ending(.answer(wrong)).0 else {
      Issue.record("taken for a server")
      return
    }
  }

  @Test func anUpgradeThatIsNotAnsweredEnds() async throws {
    let late = try await ending(.silent) { $0.upgradeTimeoutMilliseconds = 50 }
    #expect(late.0 == .connectFailed("the server did not answer the upgrade in time"))
    guard case .connectFailed = try await ending(.hangUp).0 else {
      Issue.record("not a failure to connect")
      return
    }
  }

  @Test func nobodyListens() async throws {
    let peer = try await TestPeer(.silent)
    try await peer.stop()
    let (_, recorder) = try await connect(peer.url)
    #expect(await eventually { recorder.ending.withLock { $0 != nil } })
    #expect(recorder.ending.withLock { $0 } == .connectFailed("connection refused"))
  }

  @Test func aSecureURLNeedsAServer() async throws {
    let (_, recorder) = try await connect("wss://127.0.0.1:1/")
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

  @Test func framesAreReadHoweverTheyCome() async throws {
    let bytes: [UInt8] =
      [0x81, 1, 0x61] + [0x01, 1, 0x62] + [0x89, 0] + [0x80, 1, 0x63] + [0x82, 0]
      + [0x88, 5, 0x0F, 0xA0] + Array("bye".utf8)
    let (ending, lines) = try await ending(.frames(bytes))
    #expect(lines == ["open wscore.v2.json", "a", "bc", "binary 0", "closed"])
    #expect(ending == .closed(code: 4000, reason: "bye", wasClean: true))
  }

  @Test func aServerThatBreaksTheProtocolIsLeft() async throws {
    let masked = try await ending(.frames([0x81, 0x80, 0, 0, 0, 0])).0
    #expect(masked == .violation(code: 1002, reason: "a server's frame is masked"))
    let big = try await ending(.frames([0x81, 127, 0, 0, 0, 0, 0xFF, 0, 0, 0])).0
    #expect(big == .violation(code: 1009, reason: "message too big"))
    #expect(try await ending(.frames([0x88, 0])).0 == .closed(code: nil, reason: "", wasClean: true))
  }

  @Test func theLocalAddressIsChosen() async throws {
    let peer = try await TestPeer()
    let (connection, recorder) = try await connect(peer.url) { $0.localAddress = "127.0.0.9" }
    #expect(await eventually { recorder.lines.withLock { !$0.isEmpty } })
    #expect(try await peer.with { $0.remotes } == ["127.0.0.9"])
    connection.eventLoop.execute { connection.value.close(1000) }
    #expect(await eventually { recorder.ending.withLock { $0 == .dropped(code: 1000) } })
  }
}
