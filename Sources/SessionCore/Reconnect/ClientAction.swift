/// What a `ClientSession` asks of its driver, which carries it out in order.
public enum ClientAction: Sendable {
  /// One text message for the server.
  case transmit([UInt8])
  /// The transport's own ping: there is doubt whether the server still hears.
  case transportPing
  /// The session is there; what was held back has been sent.
  case welcomed(WelcomeNotice)
  /// The replay is over.
  case live
  /// What became of the sends with these tickets.
  case outcome(ClosedRange<UInt64>, SendOutcome)
  case gap(GapNotice)
  case session(SessionNotice)
  case draining(DrainNotice)
  /// The server asked for a pause before the next attempt, in milliseconds.
  case retryAfter(UInt64)
  /// The server broke the protocol; a `close` follows.
  case fault(ServerFault)
  /// The connection is to be closed with this.
  case close(CloseCode, reason: String)
}

/// What became of a reliable send. PROTOCOL.md, "The promise".
public enum SendOutcome: Sendable, Equatable {
  /// Processed, and its answer, if there is one, will come.
  case acked
  /// Processed by a session that is gone.
  case delivered
  /// It may or may not have been processed, and is not sent again.
  case unknown
  /// It never left.
  case notSent
  /// Handed to the transport; version 1 tells no more.
  case sent
}

/// Why a send was refused.
public enum SendFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// Too much waits for the server's window or a connection.
  case queueFull
  /// The server takes messages of at most so many bytes.
  case tooBig(limit: Int)
  /// No connection, for what does not wait for one.
  case offline
  /// It is no message of the protocol.
  case invalid(String)
  /// `bye` was said.
  case ended

  public var description: String {
    switch self {
    case .queueFull: "too many messages wait to be sent"
    case .tooBig(let limit): "the server takes messages of at most \(limit) bytes"
    case .offline: "there is no connection"
    case .invalid(let text): text
    case .ended: "the session was ended"
    }
  }
}

/// What a `welcome` said.
public struct WelcomeNotice: Sendable, Equatable {
  public var version: UInt64
  public var connection: String?
  public var sid: String
  /// 16 hex digits; nil where version 1 leaves it out.
  public var epoch: String?
  public var generation: UInt64
  public var isResumed: Bool
  public var isRebuilt: Bool
  /// Why a resume was refused.
  public var reason: String?
  /// Highest of our numbers that was processed.
  public var lastIn: UInt64
  /// What the old session had processed, if it is known.
  public var lostLastIn: UInt64?
  /// Numbers of ours that the server will never take, since they were no longer held.
  public var skipped: ClosedRange<UInt64>?
  public var replay: ClosedRange<UInt64>?
  public var rooms: [Room]
  /// JSON text; nil for `null`.
  public var state: [UInt8]?
  public var user: String?
  public var permissions: [String]
  public var ttlMilliseconds: UInt64
  /// Version 1: messages that were not kept while nobody was connected.
  public var missedCount: UInt64
  /// What the server lets us have under way.
  public var window: Window
  public var messageByteLimit: Int
  public var ackDelayMilliseconds: UInt64
  public var pingIntervalMilliseconds: UInt64?
  public var pingTimeoutMilliseconds: UInt64?
  public var server: String?
  public var deprecations: [String]
  /// Sends of ours that went out again.
  public var resentCount = 0

  public struct Room: Sendable, Equatable {
    public var name: String
    public var position: LogPosition?
    /// What the server says of messages that were missed; nil where it says nothing.
    public var continuity: RoomContinuity?

    public init(name: String, position: LogPosition?, continuity: RoomContinuity? = nil) {
      (self.name, self.position, self.continuity) = (name, position, continuity)
    }
  }
}

/// Messages that will not come, those that came already left out.
public struct GapNotice: Sendable, Equatable {
  public var from: UInt64
  public var to: UInt64
  public var rooms: [String]
  public var roomsAreComplete: Bool
  public var reason: String

  public init(from: UInt64, to: UInt64, rooms: [String], roomsAreComplete: Bool, reason: String) {
    (self.from, self.to, self.rooms) = (from, to, rooms)
    (self.roomsAreComplete, self.reason) = (roomsAreComplete, reason)
  }

  public var count: UInt64 { to - from + 1 }
}

/// `session`: `replaced`, `revoked` or `expiring`.
public struct SessionNotice: Sendable, Equatable {
  public var state: String
  public var reason: String?
  public var inMilliseconds: UInt64?
}

/// The server wants this client on a new connection.
public struct DrainNotice: Sendable, Equatable {
  public var reconnectAfterMilliseconds: UInt64
  /// When it will close the present one; nil if it will not.
  public var deadlineMilliseconds: UInt64?
}

/// Totals over all sessions of one `ClientSession`.
public struct ClientCounters: Sendable, Equatable {
  public var messagesIn: UInt64 = 0
  public var messagesOut: UInt64 = 0
  /// Messages that came again though they had been acknowledged, dropped: a fault of the server.
  public var duplicates: UInt64 = 0
  /// Messages that a replay brought again since they had not been acknowledged, dropped.
  public var repeats: UInt64 = 0
  /// Numbers that were left out without a gap.
  public var holes: UInt64 = 0
  /// Numbers that gaps named.
  public var gaps: UInt64 = 0
  public var resumes: UInt64 = 0
  public var newSessions: UInt64 = 0
  /// New messages between `welcome` and `live`.
  public var replayed: UInt64 = 0
  /// Sends that went out again after a resume.
  public var resent: UInt64 = 0
  /// Acknowledgements that went alone.
  public var acksOut: UInt64 = 0
  /// Sends whose fate is unknown.
  public var unknown: UInt64 = 0

  public init() {}
}
