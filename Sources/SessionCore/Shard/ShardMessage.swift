/// What one shard says to another. A session's registrar (the shard that made it, in its id) orders all that concerns
/// where the session is; a room's home (by its name's hash) orders all that concerns the room.
public struct ShardMessage: Sendable {
  var content: Content

  /// What is large and rare stands apart, so that what is frequent is small.
  enum Content: Sendable {
    // To a session's registrar.
    indirect case claim(Claim)
    case claimRefused(SessionID, ResumeRefusal)
    /// The claim was granted on the owner's own shard.
    case stayed(SessionID)
    indirect case moved(SessionTransfer)
    indirect case ended(SessionID, Tombstone)
    case route(SessionID, Mail, reply: ReplyTo?)

    // From the registrar to the owner, and to who claims.
    indirect case release(Claim)
    indirect case granted(Claim, SessionTransfer)
    indirect case refused(Claim, Refused)
    case mail(SessionID, Mail, reply: ReplyTo?)

    // To a user's home, which knows the user's sessions.
    case userSession(user: String, SessionID, isThere: Bool)
    case routeToUser(user: String, Mail, reply: ReplyTo?)
    /// May the user have one more session? If so, it is counted from then on.
    case admit(user: String, SessionID, shard: Int, connection: Slot)

    // From a user's home.
    case admitted(user: String, SessionID, connection: Slot, isIn: Bool)

    // To a room's home.
    indirect case join(room: String, Member, HistoryWish?, reply: Operation?)
    case leave(room: String, SessionID, reply: Operation?)
    case publish(room: String, RoomEvent, reply: ReplyTo?)
    case presence(room: String, SessionID, MemberChange)
    case unhook(room: String, SessionID)
    case rehook(room: String, SessionID, shard: Int)

    // From a room's home.
    indirect case joined(room: String, SessionID, Entered, reply: Operation?)
    indirect case joinRefused(room: String, SessionID, ProtocolError, reply: Operation?)
    case left(room: String, SessionID, memberCount: Int, reply: Operation)
    case roomMessage(room: String, SharedMessage, LogPosition)
    case transientRoomMessage(room: String, SharedMessage)
    case memberMessage(room: String, SharedMessage, except: SessionID)
    case unhooked(room: String, SessionID)
    indirect case rehooked(room: String, SessionID, Held)

    // To who asked.
    case done(ReplyTo, Done)
  }
}

/// A connection's wish for a session.
struct Claim: Sendable {
  var sid: SessionID
  var tokenDigest: [UInt8]
  var epoch: UInt64?
  var ack: UInt64
  var firstUnacked: UInt64?
  var version: UInt64
  var user: String
  /// Where the connection is, and since when.
  var shard: Int
  var connection: Slot
  var connectionOpenedAt: Instant
}

/// What is sent to a session wherever it is.
enum Mail: Sendable {
  case message(SharedMessage)
  case kick(reason: String)
  /// Come back on a new connection.
  case advise(reconnectAfterMilliseconds: UInt64)
  /// So many messages were more than could wait for it.
  case lost(count: UInt64)
}

/// The message that a session on some shard is working on.
struct Operation: Sendable {
  var shard: Int
  var session: Slot
  var serial: UInt64
}

/// Who waits for the outcome of something.
enum ReplyTo: Sendable {
  case operation(Operation)
  case command(CommandToken, shard: Int)
}

enum Done: Sendable {
  case count(Int)
  case published(LogPosition?, memberCount: Int)
  case notFound
}

/// The last word on a session that is gone. It outlives the session by far, so it holds nothing that was allocated with
/// it: a few bytes here and there would keep whole pages of what is otherwise free.
struct Tombstone: Sendable {
  private var user: DigestMark
  private var token: DigestMark
  private var previousToken: DigestMark?
  private var lastIn: UInt64
  private var reason: ResumeRefusal

  init(user: String, tokens: ResumeTokens, lastIn: UInt64, reason: ResumeRefusal) {
    self.user = DigestMark(SHA256.digest(Array(user.utf8)))
    (token, previousToken) = (DigestMark(tokens.newest), tokens.unconfirmed.map { DigestMark($0) })
    (self.lastIn, self.reason) = (lastIn, reason)
  }

  /// Only its user learns what became of a session, and only who can name a token with which it could be resumed.
  func answer(to claim: Claim) -> Refused {
    let isCurrent = token.matches(claim.tokenDigest)
    let isPrevious = previousToken?.matches(claim.tokenDigest) ?? false
    guard isCurrent || isPrevious else { return Refused(reason: .token) }
    guard user.matches(SHA256.digest(Array(claim.user.utf8))) else { return Refused(reason: .principal) }
    return Refused(reason: reason, lastIn: lastIn)
  }
}

/// A SHA-256 digest, in place.
struct DigestMark: Sendable {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  init(_ digest: [UInt8]) {
    let word = { (index: Int) in digest.dropFirst(8 * index).prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
    words = (word(0), word(1), word(2), word(3))
  }

  /// Takes the same time for every digest.
  func matches(_ digest: [UInt8]) -> Bool {
    let other = DigestMark(digest).words
    let differences = (words.0 ^ other.0) | (words.1 ^ other.1) | (words.2 ^ other.2) | (words.3 ^ other.3)
    return differences == 0
  }
}

/// A session in a room, as the room's home sees it.
struct Member: Sendable {
  var sid: SessionID
  var user: String
  var wantsPresence: Bool
  var shard: Int
}

/// What a room's home says to a session that is in it from now on.
struct Entered: Sendable {
  /// The last message before it came.
  var position: LogPosition
  var memberCount: Int
  /// Nil if nothing older was asked for, or it was in already.
  var recall: Recall?
}

enum MemberChange: String, Sendable {
  case joined, suspended, resumed, left
}

/// An event for the members of a room.
public struct RoomEvent: Sendable {
  public var event: String
  public var eventVersion: UInt64
  /// Nil if the server itself sends it.
  public var from: SessionID?
  public var key: String?
  public var isTransient: Bool
  /// JSON text.
  public var payload: [UInt8]

  public init(
    event: String, eventVersion: UInt64 = 1, from: SessionID? = nil, key: String? = nil, isTransient: Bool = false,
    payload: [UInt8]
  ) {
    (self.event, self.eventVersion, self.from) = (event, eventVersion, from)
    (self.key, self.isTransient, self.payload) = (key, isTransient, payload)
  }
}

/// What a room said to a member that was between two shards.
struct Held: Sendable {
  var messages: [SharedMessage] = []
  /// Messages over the bound: they become a gap in front of the rest.
  var lostCount: UInt64 = 0
  /// Of the last one.
  var position: LogPosition
}
