import SessionCore
import WebSocketFrames

extension ClientConnection {
  /// Where to, and in which bounds.
  public struct Configuration: Sendable {
    public var url: WebSocketURL
    /// For `wss`; nil trusts the system's authorities.
    public var tls: ClientTLS?
    /// Offered in the upgrade, the best first.
    public var subprotocols = ["wscore.v2.json"]
    /// Further header lines, such as `Authorization`.
    public var fields: [HTTPField] = []
    /// The address to connect from, for example `127.0.0.7`; nil leaves it to the system.
    public var localAddress: String?
    public var connectTimeoutMilliseconds: Int64 = 10_000
    /// From the transport's connection to the answer to the upgrade, the TLS handshake included.
    public var upgradeTimeoutMilliseconds: Int64 = 10_000
    /// How long the peer may take to answer a Close frame.
    public var closeTimeoutMilliseconds: Int64 = 5_000
    public var limits = FrameLimits(messageBytes: 4 * 1_048_576)
    /// Offers permessage-deflate (RFC 7692); a server that does not know it goes on without.
    public var offersDeflate = false
    public var compression = CompressionSettings()
    /// The most that may wait to be written; a connection with more is given up.
    public var bufferedByteLimit = 16 * 1_048_576

    public init(_ url: WebSocketURL) { self.url = url }
  }

  /// How a connection is cut on purpose.
  public enum Drop: Sendable, Equatable {
    /// The close handshake.
    case clean(code: UInt16)
    /// FIN without a Close frame: the peer sees 1006.
    case fin
    /// RST: the peer sees an error.
    case rst
  }

  public enum Direction: Sendable, Equatable {
    case `in`
    case out
    case both
  }
}

/// What a connection tells, on its event loop. The calls may use the connection.
public protocol ClientConnectionDelegate: AnyObject {
  /// The upgrade was accepted.
  func connectionOpened(_ connection: ClientConnection, subprotocol: String?)
  /// A text message; the bytes are lent for the time of the call.
  func connection(_ connection: ClientConnection, received text: Span<UInt8>)
  /// A binary message; the bytes are lent for the time of the call.
  func connection(_ connection: ClientConnection, receivedBinary bytes: Span<UInt8>)
  /// Bytes came, of whatever kind: once a read, before what they hold.
  func connectionHeard(_ connection: ClientConnection)
  /// What was read is handed out; what is sent now goes out in one write.
  func connectionReadComplete(_ connection: ClientConnection)
  /// It is over. Comes once, and nothing after it.
  func connectionClosed(_ connection: ClientConnection, _ ending: ConnectionEnding)
}

/// How a connection ended, or why none came about.
public enum ConnectionEnding: Sendable, Equatable, CustomStringConvertible {
  /// No transport: refused, timed out, name unknown.
  case connectFailed(String)
  /// The upgrade was answered with another status than 101.
  case refused(status: Int, retryAfterSeconds: Int?)
  /// What answers is no WebSocket server that can be used.
  case notWebSocket(String)
  /// No TLS came about that could be trusted: final, since it would be the same again.
  case insecure(TLSFault)
  /// Ended by the peer. `code` is nil for a Close frame without one and, with `wasClean` false, where no Close frame
  /// came; the reason is the peer's or, without a Close frame, what the system says.
  case closed(code: UInt16?, reason: String, wasClean: Bool)
  /// The peer broke RFC 6455; it was closed with this code.
  case violation(code: UInt16, reason: String)
  /// Ended by ourselves, with this code if there was a Close frame.
  case dropped(code: UInt16?)

  /// What it means for the question whether to come back.
  public var reconnectorEnding: Reconnector.Ending {
    switch self {
    case .connectFailed(let text): .connectFailed(text)
    case .refused(let status, let seconds): .refused(status: status, retryAfterSeconds: seconds)
    case .notWebSocket(let text): .notWebSocket(text)
    case .insecure(let fault): .insecure(fault.description)
    case .closed(let code?, let reason, _): .closed(CloseCode(rawValue: code), reason: reason)
    case .closed(nil, let reason, _): .lost(reason)
    case .violation(_, let reason): .lost(reason)
    case .dropped: .left
    }
  }

  public var description: String {
    switch self {
    case .connectFailed(let text): text
    case .refused(let status, _): "the server refused the connection with HTTP status \(status)"
    case .notWebSocket(let text): text
    case .insecure(let fault): fault.description
    case .closed(let code?, let reason, _): reason.isEmpty ? "closed with \(code)" : "closed with \(code): \(reason)"
    case .closed(nil, let reason, let wasClean):
      wasClean ? "closed without a code" : reason.isEmpty ? "the connection broke" : reason
    case .violation(let code, let reason): "the server broke the WebSocket protocol: \(reason) (\(code))"
    case .dropped(let code): code.map { "left with \($0)" } ?? "dropped"
    }
  }
}
