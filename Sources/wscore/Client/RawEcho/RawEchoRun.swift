import NIOCore
import NIOPosix
import SessionClient
import SessionCore
import WebSocketFrames

/// `wscore client --raw-echo`: no session, every message goes back as it came until the peer closes.
final class RawEchoRun: ClientConnectionDelegate {
  /// What conformance suites send at most.
  private static let messageByteCount = 16 << 20

  private let ended: EventLoopPromise<ConnectionEnding>

  private init(_ ended: EventLoopPromise<ConnectionEnding>) { self.ended = ended }

  /// Returns when the peer has closed the connection as it should.
  /// - Throws: `CLIError` when there was no connection, the peer broke RFC 6455, or the connection broke.
  static func run(_ text: String, tls: ClientTLS?, timeout: Duration) throws(CLIError) {
    var configuration = ClientConnection.Configuration(try SessionLink.parse(text))
    configuration.tls = tls
    configuration.subprotocols = []
    configuration.offersDeflate = true
    // Whatever is to be seen of compression is to be seen here.
    configuration.compression.thresholdByteCount = 0
    let milliseconds = max(1, Quantity.nanoseconds(timeout) / 1_000_000)
    configuration.connectTimeoutMilliseconds = milliseconds
    configuration.upgradeTimeoutMilliseconds = milliseconds
    configuration.limits = FrameLimits(messageBytes: messageByteCount)
    // An answer and the one before it, which the peer is still reading.
    configuration.bufferedByteLimit = 4 * messageByteCount
    let ending: ConnectionEnding
    do {
      ending = try echo(configuration)
    } catch {
      throw CLIError("cannot start the event loop: \(error)", status: .bug)
    }
    if let fault = fault(ending) { throw fault }
  }

  private static func echo(_ configuration: ClientConnection.Configuration) throws -> ConnectionEnding {
    let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    let ended = loop.makePromise(of: ConnectionEnding.self)
    loop.execute {
      var random = SystemRandomNumberGenerator()
      let seed: [UInt32] = (0..<8).map { _ in random.next() }
      _ = ClientConnection.connect(
        configuration, on: loop, random: ChaChaGenerator(seed: seed), delegate: RawEchoRun(ended))
    }
    return try ended.futureResult.wait()
  }

  private static func fault(_ ending: ConnectionEnding) -> CLIError? {
    switch ending {
    case .closed(_, _, wasClean: true), .dropped: nil
    case .closed: CLIError("the connection ended without a Close frame: \(ending)", status: .unavailable)
    case .connectFailed(let reason): CLIError("cannot connect: \(reason)", status: .unavailable)
    case .refused(let status, _):
      CLIError("\(ending)", status: status == 401 || status == 403 ? .notPermitted : .unavailable)
    case .insecure(let fault): CLIError("cannot connect: \(fault)", next: fault.advice, status: fault.status)
    case .notWebSocket(let reason): CLIError("this is no WebSocket server: \(reason)", status: .protocolError)
    case .violation(let code, let reason):
      CLIError("the server broke RFC 6455: \(reason); closed with \(code)", status: .protocolError)
    }
  }

  // MARK: The connection

  func connectionOpened(_ connection: ClientConnection, subprotocol: String?) {}

  func connection(_ connection: ClientConnection, received text: Span<UInt8>) {
    connection.send(text.withUnsafeBufferPointer { Array($0) })
  }

  func connection(_ connection: ClientConnection, receivedBinary bytes: Span<UInt8>) {
    connection.send(binary: bytes.withUnsafeBufferPointer { Array($0) })
  }

  func connectionHeard(_ connection: ClientConnection) {}

  func connectionReadComplete(_ connection: ClientConnection) {}

  func connectionClosed(_ connection: ClientConnection, _ ending: ConnectionEnding) {
    // The process ends with this: not before the peer has our last frame and has closed its end.
    guard let gone = connection.transportClosed else { return ended.succeed(ending) }
    gone.whenComplete { [ended] _ in ended.succeed(ending) }
  }
}
