/// What a shard is told once.
public struct ShardConfiguration: Sendable {
  /// Which shard this is, of how many: `0..<count`.
  public var index: Int
  public var count: Int
  public var limits: Limits
  public var dispatcher: Dispatcher
  /// Named in `welcome`, for people.
  public var server: String
  /// Whether `authorizeJoin` and `restore` are asked; if not, every join is allowed and nothing is restored.
  public var asksAuthorizer: Bool
  public var asksRestorer: Bool

  public init(
    index: Int, count: Int, limits: Limits = Limits(), dispatcher: Dispatcher = Dispatcher(),
    server: String = "wscore", asksAuthorizer: Bool = false, asksRestorer: Bool = false
  ) {
    precondition(count > 0 && 0..<count ~= index, "a shard is one of count")
    (self.index, self.count, self.limits, self.dispatcher) = (index, count, limits, dispatcher)
    (self.server, self.asksAuthorizer, self.asksRestorer) = (server, asksAuthorizer, asksRestorer)
  }
}

/// What a shard has counted since its beginning.
public struct ShardCounters: Sendable, Equatable {
  public var messagesIn: UInt64 = 0
  public var messagesOut: UInt64 = 0
  public var duplicatesIn: UInt64 = 0
  public var sessionsCreated: UInt64 = 0
  public var sessionsEnded: UInt64 = 0
  public var resumes: UInt64 = 0
  public var resumesRefused: UInt64 = 0
  public var replayed: UInt64 = 0
  /// Reliable messages that were dropped from full outboxes, each named in a gap.
  public var dropped: UInt64 = 0
  public var transientDropped: UInt64 = 0
  public var pongTimeouts: UInt64 = 0
  public var tokenReuses: UInt64 = 0
  public var closes: [UInt16: UInt64] = [:]

  public init() {}
}

/// A session as `inspect` shows it.
public struct SessionSnapshot: Sendable {
  public var sid: SessionID
  public var user: String
  public var instance: String?
  public var connection: ConnectionID?
  public var transport: String?
  public var remote: String?
  public var version: UInt64
  public var epoch: UInt64
  public var generation: UInt64
  public var rooms: [String]
  public var outboxMessages: Int
  public var outboxBytes: Int
  public var lastIn: UInt64
  public var lastSeq: UInt64
  public var acked: UInt64
  public var dropped: UInt64
  public var ageMilliseconds: UInt64
  /// Since the last byte from the client or, suspended, since the drop.
  public var idleMilliseconds: UInt64
  /// Nil while a connection is attached.
  public var expiresInMilliseconds: UInt64?
}

/// A room as `inspect` shows it; told by the shard that is its home.
public struct RoomSnapshot: Sendable {
  public var name: String
  public var members: [SessionID]
  public var position: LogPosition
  /// What is kept for those that come later.
  public var historyMessages = 0
  public var historyBytes = 0
}
