import DequeModule

/// One transport connection. Unchecked for the reasons that `Session` gives.
final class Connection {
  /// How far the peer's silence has gone.
  enum Silence {
    case none
    case pinged
    /// The time is over; what was received meanwhile is read first.
    case lastChance
  }

  let slot: Slot
  let id: ConnectionID
  let description: ConnectionDescription
  @exclusivity(unchecked) var phase = ConnectionPhase.awaitingHello
  /// The version agreed; before that the newest.
  @exclusivity(unchecked) var version: UInt64 = Envelope.versions[0]
  @exclusivity(unchecked) var hello: Hello?
  @exclusivity(unchecked) var principal: Principal?
  /// Until when the credential is good, and when that is told.
  @exclusivity(unchecked) var credentialEnd = Instant.never
  @exclusivity(unchecked) var credentialNotice = Instant.never
  @exclusivity(unchecked) var credentialAlarm = Alarm()
  @exclusivity(unchecked) var isExpiryTold = false
  /// The session that the user's home is asked to let in.
  @exclusivity(unchecked) var newcomer: Newcomer?
  /// The refusal of the session that was asked for, to be told in `welcome`.
  @exclusivity(unchecked) var refusal: Refused?
  /// Unsequenced messages that wait, as tails.
  @exclusivity(unchecked) var control = ControlQueue()
  @exclusivity(unchecked) var isDirty = false
  @exclusivity(unchecked) var isPaused = false
  let openedAt: Instant
  @exclusivity(unchecked) var lastHeard: Instant
  @exclusivity(unchecked) var silence = Silence.none
  @exclusivity(unchecked) var pingedAt = Instant.zero
  /// Silence after which the next ping goes out; the first one comes earlier, by chance.
  @exclusivity(unchecked) var pingAfterMilliseconds: UInt64 = 0
  /// What the session had processed when it left this connection: the last messages say it.
  @exclusivity(unchecked) var lastAck: UInt64?
  @exclusivity(unchecked) var alarm = Alarm()

  init(slot: Slot, id: ConnectionID, description: ConnectionDescription, now: Instant) {
    (self.slot, self.id, self.description, openedAt, lastHeard) = (slot, id, description, now, now)
  }

  var session: Slot? { phase.session }
  var isClosing: Bool { phase.stage == .closing }

  /// Asks for what a message to the client touches.
  @inline(__always) func prefetch() {
    withUnsafePointer(to: &phase) { Prefetch.bytes($0, byteCount: 64) }
    withUnsafePointer(to: &isDirty) { Prefetch.bytes($0, byteCount: 1) }
  }
}

/// Unsequenced messages that wait for a connection. It knows their number without a look into the queue, whose memory lies
/// elsewhere: mostly there are none, which each write asks.
struct ControlQueue {
  private var tails: Deque<[UInt8]> = []
  private(set) var count = 0
  private(set) var byteCount = 0

  static let maxCount = 256
  static let maxByteCount = 64 << 10
  /// A `welcome` may be longer than that. There is one, and it counts as so many bytes.
  private static let maxCountedByteCount = 16 << 10

  /// Nothing is added then for which a client could ask as often as it likes.
  var isFull: Bool { count >= ControlQueue.maxCount || byteCount >= ControlQueue.maxByteCount }

  mutating func append(_ tail: [UInt8]) {
    tails.append(tail)
    count += 1
    byteCount += min(tail.count, ControlQueue.maxCountedByteCount)
  }

  mutating func popFirst() -> [UInt8]? {
    guard count > 0 else { return nil }
    count -= 1
    guard let tail = tails.popFirst() else { return nil }
    byteCount -= min(tail.count, ControlQueue.maxCountedByteCount)
    return tail
  }
}

/// A session that will begin if its user may have one more.
struct Newcomer: Sendable {
  var sid: SessionID
  var state: [UInt8]?
  var rooms: [String]
}

/// Why a session could not be resumed, and what is still known of it.
struct Refused: Sendable {
  var reason: ResumeRefusal
  /// The last message of the client that the old session processed, for a client that could name its token.
  var lastIn: UInt64?
}

/// `welcome.reason`, and what leads to another answer.
enum ResumeRefusal: String, Sendable {
  case unknown, expired, ended, epoch, principal, token
  case stateLost = "state_lost"
  /// Not told: the connection is closed with 4501.
  case ackFromTheFuture
  /// Not told: the connection is closed with 4506.
  case tokenReuse
  /// Not told: the connection is closed with 4505.
  case takeoverLimit
  /// Not told: the connection is closed with 4504. It is older than the one that has, or had last, the session.
  case superseded
}
