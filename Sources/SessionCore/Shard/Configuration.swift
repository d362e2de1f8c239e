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
  /// Whether a principal's permissions bound what its sessions may do: `Grants`. If not, they are the application's own.
  public var checksPermissions: Bool
  /// What holds for events whoever takes them; nil for nothing, which costs nothing.
  public let events: EventRules?

  public init(
    index: Int, count: Int, limits: Limits = Limits(), dispatcher: Dispatcher = Dispatcher(),
    server: String = "wscore", asksAuthorizer: Bool = false, asksRestorer: Bool = false,
    checksPermissions: Bool = false, events: EventRules = EventRules()
  ) {
    precondition(count > 0 && 0..<count ~= index, "a shard is one of count")
    (self.index, self.count, self.limits, self.dispatcher) = (index, count, limits, dispatcher)
    self.events = events.isEmpty ? nil : events
    (self.server, self.asksAuthorizer, self.asksRestorer) = (server, asksAuthorizer, asksRestorer)
    self.checksPermissions = checksPermissions
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
  /// Of those, the ones that went since all outboxes together were full.
  public var budgetDropped: UInt64 = 0
  /// Reliable messages for which a newer one with the same key stands.
  public var conflated: UInt64 = 0
  public var transientDropped: UInt64 = 0
  public var pongTimeouts: UInt64 = 0
  public var tokenReuses: UInt64 = 0
  /// Sessions that a connection took from another one that was attached.
  public var takeovers: UInt64 = 0
  public var takeoversRefused: UInt64 = 0
  /// `hello`s that were told to come later: too many in a second, or too many that wait for the authenticator.
  public var hellosRefused: UInt64 = 0
  public var credentialsRefused: UInt64 = 0
  /// Connections closed since their credential ended.
  public var credentialsExpired: UInt64 = 0
  /// Sessions that were refused since there were as many as there may be, of their user or at all.
  public var sessionsRefused: UInt64 = 0
  /// Sessions ended by an operator or the application.
  public var sessionsRevoked: UInt64 = 0
  /// Joins, publishes and events that the principal has no permission for.
  public var forbidden: UInt64 = 0
  /// Messages of sessions, by the version of the protocol.
  public var messagesOfVersion1: UInt64 = 0
  public var messagesOfVersion2: UInt64 = 0
  public var payloadsRefused: UInt64 = 0
  /// Messages that could not be made the version that a receiver asked for, and went out as they were.
  public var castFailures: UInt64 = 0
  /// Uses of deprecated versions of events, in the order of `EventRules.deprecations`; short of what was never used.
  public private(set) var deprecatedUses: [UInt64] = []
  public var closes: [UInt16: UInt64] = [:]

  public init() {}

  mutating func countDeprecated(_ index: Int) {
    while deprecatedUses.count <= index { deprecatedUses.append(0) }
    deprecatedUses[index] += 1
  }
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
