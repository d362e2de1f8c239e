import Glibc
import NIOCore
import SocketReactor

/// Notes what a socket tells; used on its loop only.
final class Recorder: ByteReceiver {
  let socket: ByteSocket
  private(set) var bytes: [UInt8] = []
  private(set) var readCount = 0
  private(set) var endedCount = 0
  private(set) var writability: [Bool] = []
  /// Called for each read, with the number of bytes.
  var onRead: ((Int) -> Void)?
  private let promise: EventLoopPromise<Void>

  var ending: EventLoopFuture<Void> { promise.futureResult }

  init(_ socket: ByteSocket, _ loop: ReactorLoop) {
    self.socket = socket
    promise = loop.makePromise()
    socket.receiver = self
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer) {
    readCount += 1
    self.bytes.append(contentsOf: bytes)
    // It may be changed: nothing that is read later may show it.
    for index in bytes.indices { bytes[index] ^= 0xFF }
    onRead?(bytes.count)
  }

  func writabilityChanged() { writability.append(socket.isWritable) }

  func ended() {
    endedCount += 1
    // It may hold this, and the loop.
    onRead = nil
    promise.succeed()
  }
}

/// A socket on a loop and the other end of its connection, which the test reads and writes.
struct Pair {
  let loop: ReactorLoop
  let recorder: NIOLoopBound<Recorder>
  let peer: Peer

  static func make(_ loop: ReactorLoop) async throws -> Pair {
    var numbers: [Int32] = [0, 0]
    let made = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &numbers)
    guard made == 0 else { throw ReactorFault(call: "socketpair", number: errno) }
    let (ours, theirs) = (numbers[0], numbers[1])
    _ = fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK)
    let recorder = try await loop.submit {
      guard let socket = loop.adopt(ours, whenEnded: {}) else { throw ReactorFault(call: "adopt", number: 0) }
      return NIOLoopBound(Recorder(socket, loop), eventLoop: loop)
    }.get()
    return Pair(loop: loop, recorder: recorder, peer: Peer(number: theirs))
  }

  /// Runs `body` on the loop.
  func with<Value: Sendable>(_ body: @escaping @Sendable (Recorder) throws -> Value) async throws -> Value {
    try await loop.submit { try body(recorder.value) }.get()
  }

  /// Waits until `condition` holds on the loop, for ten seconds.
  func wait(until condition: @escaping @Sendable (Recorder) -> Bool) async throws {
    for _ in 0..<10_000 {
      if try await with(condition) { return }
      try await Task.sleep(for: .milliseconds(1))
    }
    throw ReactorFault(call: "wait", number: ETIMEDOUT)
  }

  func ended() async throws {
    try await loop.flatSubmit { recorder.value.ending }.get()
  }
}

/// The other end: plain calls that wait.
final class Peer: Sendable {
  let number: Int32

  init(number: Int32) { self.number = number }

  deinit { Glibc.close(number) }

  func write(_ bytes: [UInt8]) {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(number, $0.baseAddress?.advanced(by: offset), bytes.count - offset, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      offset += count
    }
  }

  /// Up to so many bytes; fewer if the connection ends before.
  func read(_ wanted: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < wanted {
      let count = recv(number, &buffer, min(buffer.count, wanted - bytes.count), 0)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return bytes
  }

  func closeOutput() { shutdown(number, Int32(SHUT_WR)) }
}

/// On a port of its own.
func listeningSocket(blocks: Bool = false) throws -> (descriptor: Int32, address: SocketAddress) {
  let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | (blocks ? 0 : SOCK_NONBLOCK.rawValue)
  let descriptor = socket(AF_INET, Int32(kind), 0)
  let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
  let isListening = any.withSockAddr { pointer, size in
    bind(descriptor, pointer, socklen_t(size)) == 0 && listen(descriptor, 128) == 0
  }
  var name = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isNamed = withUnsafeMutablePointer(to: &name) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
  }
  guard isListening, isNamed else { throw ReactorFault(call: "listen", number: errno) }
  return (descriptor, SocketAddress(name))
}
