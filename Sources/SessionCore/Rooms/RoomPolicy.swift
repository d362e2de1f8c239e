/// What the rooms of a pattern do beyond passing messages on.
public struct RoomPolicy: Sendable, Equatable {
  /// How much of what was said is kept for those that come later. All three bounds hold.
  public struct History: Sendable, Equatable {
    public var messageCount: Int
    public var byteCount: Int
    public var ttlMilliseconds: UInt64

    public init(messageCount: Int, byteCount: Int = 1_048_576, ttlMilliseconds: UInt64 = 600_000) {
      (self.messageCount, self.byteCount, self.ttlMilliseconds) = (messageCount, byteCount, ttlMilliseconds)
    }
  }

  /// Nil: a message is forgotten when it was given to the members.
  public var history: History?
  /// How long a member may be without a connection before the others are told that it is `suspended`; nil for
  /// `Limits.presenceGraceMilliseconds`.
  public var presenceGraceMilliseconds: UInt64?

  public init(history: History? = nil, presenceGraceMilliseconds: UInt64? = nil) {
    (self.history, self.presenceGraceMilliseconds) = (history, presenceGraceMilliseconds)
  }
}

/// A policy and the rooms that it is for.
public struct RoomRule: Sendable, Equatable {
  public var pattern: NamePattern
  public var policy: RoomPolicy

  public init(_ pattern: NamePattern, _ policy: RoomPolicy) { (self.pattern, self.policy) = (pattern, policy) }
}

extension Limits {
  /// Of the rules that match the name, the first.
  func policy(of room: String) -> RoomPolicy {
    guard !roomRules.isEmpty else { return RoomPolicy() }
    return roomRules.first { $0.pattern.matches(room) }?.policy ?? RoomPolicy()
  }
}
