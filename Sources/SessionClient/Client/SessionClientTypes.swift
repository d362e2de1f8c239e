import SessionCore
import WebSocketFrames

extension SessionClient {
  public struct Configuration: Sendable {
    public var connection: ClientConnection.Configuration
    public var session = ClientSession.Configuration()
    public var backoff = Backoff()
    /// Whether it connects again by itself.
    public var autoReconnect = true
    /// Asked for a new credential when the server says that the old one has ended (close codes 42xx, HTTP status 401);
    /// the session is then resumed with it, nil for none. An error counts as an attempt that failed. Nil: the client stops with
    /// `StopReason.credential`, and goes on when it is given one by `renew`.
    public var credentials: (@Sendable () async throws -> ClientSession.Auth?)?
    /// Whether the upgrade offers the subprotocols of `session.versions`; else the version is agreed in `hello` alone.
    public var offersSubprotocols = true
    /// Makes every random choice; nil takes the system's chance.
    public var seed: UInt64?
    /// Whether the delegate is shown every message as it went and came.
    public var reportsMessages = false

    /// - Throws: `ClientError.url` or, for `wss`, `ClientError.tlsNotSupported` in a build without TLS.
    public init(url: String) throws(ClientError) {
      let parsed: WebSocketURL
      do throws(WebSocketURLError) {
        parsed = try WebSocketURL(url)
      } catch {
        throw .url(error)
      }
      try self.init(parsed)
    }

    public init(_ url: WebSocketURL) throws(ClientError) {
      guard !url.isSecure || ClientTLS.isBuilt else { throw .tlsNotSupported }
      connection = ClientConnection.Configuration(url)
    }
  }
}

public enum ClientError: Error, Sendable, Equatable, CustomStringConvertible {
  case url(WebSocketURLError)
  case tlsNotSupported
  /// The client does not try again.
  case stopped(StopReason, ConnectionEnding?)
  /// The session is gone, and nobody knows whether the message was processed.
  case unknownOutcome
  /// The session is gone; the message was processed and its answer is lost.
  case answerLost
  /// The message never left.
  case notSent
  case send(SendFault)

  public var description: String {
    switch self {
    case .url(let error): error.description
    case .tlsNotSupported: TLSFault.notBuilt.description
    case .stopped(_, let ending): ending.map { "the client stopped: \($0)" } ?? "the client was stopped"
    case .unknownOutcome: "the session is gone; it is not known whether the message was processed"
    case .answerLost: "the session is gone; the message was processed, its answer is lost"
    case .notSent: "the message was not sent"
    case .send(let fault): fault.description
    }
  }
}

/// What a client tells, on its event loop. All calls may use the client; all have empty defaults.
public protocol SessionClientDelegate: AnyObject {
  /// A connection is being made, for the `attempt`-th time since the last stable one.
  func client(_ client: SessionClient, connecting attempt: Int)
  /// The session is there; the replay comes next.
  func client(_ client: SessionClient, welcomed notice: WelcomeNotice)
  /// The replay is over.
  func clientIsLive(_ client: SessionClient)
  /// A new event, reply, member or error, whose fields are places in `bytes`. It counts as processed when this returns.
  func client(_ client: SessionClient, received envelope: Envelope, _ bytes: Span<UInt8>)
  func client(_ client: SessionClient, gap: GapNotice)
  func client(_ client: SessionClient, outcome: SendOutcome, of tickets: ClosedRange<UInt64>)
  func client(_ client: SessionClient, session notice: SessionNotice)
  func client(_ client: SessionClient, draining notice: DrainNotice)
  /// The server asked for a new connection, which did not come about: the client stays on the one that it has.
  func client(_ client: SessionClient, stays ending: ConnectionEnding)
  /// The server broke the protocol; the connection ends.
  func client(_ client: SessionClient, fault: ServerFault)
  /// A connection ended or did not come about, and what the client does next.
  func client(_ client: SessionClient, ended ending: ConnectionEnding, wasOnline: Bool, next: Reconnector.Next)
  /// All that one burst of reading brought was handed over.
  func clientReadComplete(_ client: SessionClient)
  /// With `reportsMessages`: a message as it went, and as it came.
  func client(_ client: SessionClient, transmitted bytes: [UInt8])
  func client(_ client: SessionClient, arrived bytes: Span<UInt8>)
}

extension SessionClientDelegate {
  public func client(_ client: SessionClient, connecting attempt: Int) {}
  public func client(_ client: SessionClient, welcomed notice: WelcomeNotice) {}
  public func clientIsLive(_ client: SessionClient) {}
  public func client(_ client: SessionClient, received envelope: Envelope, _ bytes: Span<UInt8>) {}
  public func client(_ client: SessionClient, gap: GapNotice) {}
  public func client(_ client: SessionClient, outcome: SendOutcome, of tickets: ClosedRange<UInt64>) {}
  public func client(_ client: SessionClient, session notice: SessionNotice) {}
  public func client(_ client: SessionClient, draining notice: DrainNotice) {}
  public func client(_ client: SessionClient, stays ending: ConnectionEnding) {}
  public func client(_ client: SessionClient, fault: ServerFault) {}
  public func client(
    _ client: SessionClient, ended ending: ConnectionEnding, wasOnline: Bool, next: Reconnector.Next
  ) {}
  public func clientReadComplete(_ client: SessionClient) {}
  public func client(_ client: SessionClient, transmitted bytes: [UInt8]) {}
  public func client(_ client: SessionClient, arrived bytes: Span<UInt8>) {}
}
