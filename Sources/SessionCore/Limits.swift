/// Every bound of the core, its unit in its name. PROTOCOL.md tells clients those that concern them in `welcome`.
public struct Limits: Sendable, Equatable {
  /// Time from the opening of a connection to its `hello`.
  public var helloTimeoutMilliseconds: UInt64 = 10_000
  /// Time for a hook to answer: authenticator, room authorizer.
  public var hookTimeoutMilliseconds: UInt64 = 10_000
  /// Time for a handler to finish one event.
  public var handlerTimeoutMilliseconds: UInt64 = 30_000
  /// Silence after which a `ping` is sent.
  public var pingIntervalMilliseconds: UInt64 = 25_000
  /// Silence after a `ping` that means that the peer is gone.
  public var pingTimeoutMilliseconds: UInt64 = 10_000
  /// How long a session outlives its connection, unless its client asks for less.
  public var sessionTTLMilliseconds: UInt64 = 120_000
  /// Longest time for which an acknowledgement waits for a message to ride on.
  public var ackDelayMilliseconds: UInt64 = 250
  /// How long the last word on an ended session is kept.
  public var tombstoneTTLMilliseconds: UInt64 = 600_000
  public var tombstoneCount = 65_536
  /// Sessions of one shard.
  public var sessionCount = 1_000_000
  /// Messages kept for a session that has not acknowledged them.
  public var outbox = OutboxLimits()
  /// Bytes in the outboxes of all sessions of the node.
  public var outboxTotalByteCount = 1 << 30
  /// The most that a client may have under way, and the most that is under way to a client that asks for more.
  public var window = Window()
  public var messageByteCount = 1_048_576
  /// Bytes of messages that wait for their turn though the connection that brought them has ended, of all sessions of one
  /// shard; each counts 512 besides its payload. What does not fit is dropped as the
  /// connection ends.
  public var awayInboxByteCount = 67_108_864
  public var roomsPerSession = 128
  /// Rooms whose home is one shard.
  public var roomCount = 1_000_000
  public var stateByteCount = 4_096
  /// The longest `hello`: it is kept while it is decided who sent it. A client in all the rooms that it may be in names them.
  public var helloByteCount: Int { 65_536 + 512 * min(max(0, roomsPerSession), messageByteCount) }
  /// Connections that wait for the same session at one time.
  public var waitingClaimCount = 64
  /// Takeovers of one session from a connection that is attached: so many at once, and so many in the window from then
  /// on. A client whose network fails under it takes its own session over, again and again on a bad day.
  public var takeoverCount = 1_024
  public var takeoverWindowMilliseconds: UInt64 = 10_000
  /// Sessions of one user on the node, suspended ones included; nil for as many as there may be.
  public var sessionsPerUser: Int?
  /// `hello`s of the node in a second, and so many more at once. Each shard has its even share.
  public var helloRatePerSecond = 50_000
  public var helloBurstCount = 50_000
  /// `hello`s of the node that wait for the authenticator at one time. Each shard has its even share.
  public var helloPendingCount = 16_384
  /// How long before its end a client is told that its credential ends; half of the credential's time if that is less.
  public var credentialNoticeMilliseconds: UInt64 = 30_000
  /// How long a credential is believed after it was shown, whatever the authenticator says; nil without end.
  public var credentialMaxAgeMilliseconds: UInt64?
  /// How long a member of a room may be without a connection before the others hear of it.
  public var presenceGraceMilliseconds: UInt64 = 5_000
  /// What single rooms do differently; the first rule that matches counts.
  public var roomRules: [RoomRule] = []
  /// Bytes of the histories of all rooms whose home is one shard.
  public var historyByteCount = 268_435_456
  /// Questions to the restorer that one shard has open at one time, and connections that wait for their turn.
  public var restorePendingCount = 64
  public var restoreQueueCount = 16_384

  public init() {}
}
