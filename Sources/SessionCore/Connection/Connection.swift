import DequeModule

/// One transport connection.
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
  var phase = ConnectionPhase.awaitingHello
  /// The version agreed; before that the newest.
  var version: UInt64 = Envelope.versions[0]
  var hello: Hello?
  var principal: Principal?
  /// The refusal of the session that was asked for, to be told in `welcome`.
  var refusal: Refused?
  /// Unsequenced messages that wait, as tails.
  var control: Deque<[UInt8]> = []
  var isDirty = false
  var isPaused = false
  var lastHeard: Instant
  var silence = Silence.none
  var pingedAt = Instant.zero
  /// Silence after which the next ping goes out; the first one comes earlier, by chance.
  var pingAfterMilliseconds: UInt64 = 0
  /// What the session had processed when it left this connection: the last messages say it.
  var lastAck: UInt64?
  var alarm = Alarm()

  init(slot: Slot, id: ConnectionID, description: ConnectionDescription, now: Instant) {
    (self.slot, self.id, self.description, lastHeard) = (slot, id, description, now)
  }

  var session: Slot? { phase.session }
  var isClosing: Bool { phase.stage == .closing }
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
}
