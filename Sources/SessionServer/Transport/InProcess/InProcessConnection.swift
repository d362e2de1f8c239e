import SessionCore

/// The client's end of a connection without a network, from `SessionServer.connectInProcess`: PROTOCOL.md's envelopes as
/// JSON text, and nothing else of a transport. For tests, and for programs that have their own server inside.
///
///     let connection = try await server.connectInProcess()
///     try await connection.send(Array(#"{"v":1,"type":"hello","payload":{"versions":[1]}}"#.utf8))
///     if case .message(let welcome) = await connection.receive() { … }
///
/// It ends when it is closed by either side, or is let go of; its session is suspended then, like any other.
public final class InProcessConnection: Sendable {
  public enum Incoming: Sendable, Equatable {
    /// One envelope, as JSON text.
    case message([UInt8])
    /// Nothing more will come. The code is one of PROTOCOL.md, section 16.
    case closed(code: UInt16, reason: String)
  }

  /// The connection has ended.
  public struct Closed: Error, Sendable, Equatable {
    public var code: UInt16
    public var reason: String

    public init(code: UInt16, reason: String) { (self.code, self.reason) = (code, reason) }
  }

  private let pipe: InProcessPipe

  init(_ pipe: InProcessPipe) { self.pipe = pipe }

  deinit { pipe.endFromOutside() }

  /// Sends one envelope. Returns when the server has it, which takes longer while the session has too much to do.
  /// - Throws: `Closed` if the connection ended before.
  public func send(_ message: [UInt8]) async throws(Closed) {
    switch await pipe.send(message) {
    case .taken: return
    case .closed(let code, let reason, hadAll: _): throw Closed(code: code, reason: reason)
    case .exceeded, .unknown: throw Closed(code: CloseCode.badSequence.rawValue, reason: "more is under way than the window allows")
    }
  }

  /// The next of what the server sends, for one caller at a time. What came before the end is told before the end.
  public func receive() async -> Incoming { await pipe.receive() }

  /// Ends the connection. What was not received can still be.
  public func close() { pipe.endFromOutside() }
}
