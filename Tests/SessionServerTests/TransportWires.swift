import Glibc
import SessionCore
import SessionServer
import WebSocketFrames

/// A transport as the tests of the seam use it.
enum TestTransport: String, CaseIterable, Sendable {
  case webSocket, eventStream, inProcess

  func connect(_ server: SessionServer) async throws -> any TestWire {
    let port = server.boundPort ?? 0
    return switch self {
    case .webSocket: try WebSocketWire(port: port)
    case .eventStream: try EventWire(port: port)
    case .inProcess: InProcessWire(try await server.connectInProcess())
    }
  }
}

/// What a client sees of any transport: messages up, messages down, the end with its code.
protocol TestWire: AnyObject {
  func send(_ message: JSONValue) async throws
  func receive() async throws -> TestIncoming
  /// Cut, without a word.
  func drop() async
}

enum TestIncoming: Equatable {
  case message(JSONValue)
  case closed(UInt16)
}

struct WireFault: Error { var text: String }

// MARK: Without a network

final class InProcessWire: TestWire {
  private let connection: InProcessConnection

  init(_ connection: InProcessConnection) { self.connection = connection }

  func send(_ message: JSONValue) async throws { try? await connection.send(message.bytes) }

  func receive() async throws -> TestIncoming {
    switch await connection.receive() {
    case .message(let bytes): .message(try JSONValue(parsing: bytes))
    case .closed(let code, _): .closed(code)
    }
  }

  func drop() async { connection.close() }
}

// MARK: A socket

/// A blocking socket; a read waits for a minute at most, since it holds one of the few threads that all
/// tests share. Bytes are read in lines or by their number.
final class TestSocket {
  private let descriptor: Int32
  private var buffered: [UInt8] = []

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let descriptor = descriptor
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw WireFault(text: "connect: \(errno)") }
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var isOn: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close(descriptor) }

  func shut() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  func write(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// Nil at the end of the stream.
  func read(_ count: Int) throws -> [UInt8]? {
    while buffered.count < count { guard try fill() else { return nil } }
    defer { buffered.removeFirst(count) }
    return Array(buffered[..<count])
  }

  /// Without its end; nil at the end of the stream.
  func readLine() throws -> String? {
    while true {
      if let end = buffered.firstIndex(of: 0x0A) {
        defer { buffered.removeFirst(end + 1) }
        let line = buffered[..<end]
        return String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
      }
      guard try fill() else { return nil }
    }
  }

  private func fill() throws -> Bool {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var count = -1
    repeat {
      count = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
    } while count < 0 && errno == EINTR
    if count < 0, errno == EAGAIN { throw WireFault(text: "nothing came for a minute") }
    if count > 0 { buffered += bytes[..<count] }
    return count > 0
  }

  /// The status of an answer, and the length of its content; its head is read.
  func readHead() throws -> (status: Int, length: Int)? {
    guard let first = try readLine() else { return nil }
    var length = 0
    while let line = try readLine(), !line.isEmpty {
      if line.lowercased().hasPrefix("content-length: ") { length = Int(line.dropFirst(16)) ?? 0 }
    }
    return (Int(first.split(separator: " ")[1]) ?? 0, length)
  }
}

// MARK: WebSocket

final class WebSocketWire: TestWire {
  private let socket: TestSocket

  init(port: Int) throws {
    socket = try TestSocket(port: port)
    socket.write(
      Array(
        ("GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").utf8))
    guard try socket.readHead()?.status == 101 else { throw WireFault(text: "no upgrade") }
  }

  func send(_ message: JSONValue) async throws {
    socket.write(message.bytes.withUnsafeBytes { FrameWriter.frame(.text, payload: $0, mask: 0x1234_5678) })
  }

  func receive() async throws -> TestIncoming {
    while true {
      guard let head = try socket.read(2) else { return .closed(1_006) }
      var length = Int(head[1])
      if length > 125 {
        let size = try socket.read(length == 126 ? 2 : 8) ?? []
        length = size.reduce(0) { $0 << 8 | Int($1) }
      }
      guard let payload = try socket.read(length) else { return .closed(1_006) }
      switch head[0] {
      case 0x81: return .message(try JSONValue(parsing: payload))
      case 0x88: return .closed(UInt16(payload[0]) << 8 | UInt16(payload[1]))
      default: continue
      }
    }
  }

  func drop() async { socket.shut() }
}

// MARK: Server-Sent Events

final class EventWire: TestWire {
  private let down: TestSocket
  private let up: TestSocket
  private var channel = ""

  init(port: Int) throws {
    (down, up) = (try TestSocket(port: port), try TestSocket(port: port))
    down.write(Array("GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8))
    guard try down.readHead()?.status == 200, case ("channel", let data)? = try readEvent() else {
      throw WireFault(text: "no stream")
    }
    channel = try JSONValue(parsing: Array(data.utf8))["channel"]?.stringValue ?? ""
  }

  private func readEvent() throws -> (event: String, data: String)? {
    var (event, data) = ("message", "")
    while let line = try down.readLine() {
      if line.isEmpty {
        if !data.isEmpty { return (event, data) }
      } else if line.hasPrefix("event: ") {
        event = String(line.dropFirst(7))
      } else if line.hasPrefix("data: ") {
        data = String(line.dropFirst(6))
      }
    }
    return nil
  }

  func send(_ message: JSONValue) async throws {
    let body = message.bytes
    let head =
      "POST /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nWscore-Channel: \(channel)\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.count)\r\n\r\n"
    up.write(Array(head.utf8) + body)
    // 404 and 409: the connection has ended, which the stream tells.
    guard let answer = try up.readHead() else { return }
    guard [202, 404, 409].contains(answer.status) else { throw WireFault(text: "POST: \(answer.status)") }
    _ = try up.read(answer.length)
  }

  func receive() async throws -> TestIncoming {
    guard let (event, data) = try readEvent() else { return .closed(1_006) }
    let json = try JSONValue(parsing: Array(data.utf8))
    guard event == "close" else { return .message(json) }
    return .closed(UInt16(json["code"]?.unsignedValue ?? 0))
  }

  func drop() async {
    down.shut()
    up.shut()
  }
}
