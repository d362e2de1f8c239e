import DequeModule

/// A connection whose session enters its rooms before it is welcomed.
struct Arrival {
  var connection: Slot
  /// For `welcome`.
  var token: String
}

/// A room that a session is in.
struct Membership: Sendable {
  var name: String
  var wantsPresence: Bool
  /// The last message of the room that was put into the outbox; of the room's local list where it stands in one.
  var position: LogPosition
  /// Place in the local list, nil while the room's home does not know yet that the session is here.
  var index: Int?
  /// Of a room that the session was put into again, until it is welcomed: what is told of its older messages.
  var continuity: RoomContinuity?
  /// The question to the authorizer whether a restored session may be here, while it is open.
  var asking: UInt64?
}

/// One session in the shard that owns it.
///
/// Its variables are not checked for overlapping access at run time, which took a seventh of the time of an echo. Proof
/// that none overlaps: a session is reached through its shard only, a shard is in one step at a time (its methods are
/// mutating), what it calls in a step (the handler of an event, rules for payloads) is given the message and no session, and
/// no method of what is stored here is handed the session.
final class Session {
  let slot: Slot
  let sid: SessionID
  @exclusivity(unchecked) var principal: Principal { didSet { knownContext = nil } }
  /// What the principal's permissions allow; of no account where the shard does not check them.
  @exclusivity(unchecked) var grants = Grants()
  @exclusivity(unchecked) var instance: String?
  @exclusivity(unchecked) var epoch: UInt64 { didSet { knownContext = nil } }
  /// Counts attaches.
  @exclusivity(unchecked) var generation: UInt64 = 0
  @exclusivity(unchecked) var tokens: ResumeTokens
  @exclusivity(unchecked) var ttlMilliseconds: UInt64
  let createdAt: Instant
  @exclusivity(unchecked) var state: [UInt8]? { didSet { knownContext = nil } }
  /// What handlers are told of it, until something of that changes.
  @exclusivity(unchecked) private var knownContext: SessionContext?

  // What each message touches stands together from here on.
  @exclusivity(unchecked) var phase: SessionPhase
  @exclusivity(unchecked) var version: UInt64
  /// Events that the client wants in an older version than the newest.
  @exclusivity(unchecked) var eventVersions: [String: UInt64] = [:]

  // To the client.
  @exclusivity(unchecked) var outbox = Outbox()
  /// What the shard's account of all outboxes holds of this one, and where it stands among the large ones.
  @exclusivity(unchecked) var accountedByteCount = 0
  @exclusivity(unchecked) var rank: OutboxRanks.Rank?
  @exclusivity(unchecked) var window: Window
  /// `live` goes out when the client was sent this much; nil when it has.
  @exclusivity(unchecked) var liveAfter: UInt64?
  /// The highest number sent on the present connection.
  @exclusivity(unchecked) var sentSeq: UInt64 = 0
  /// Messages that a client of version 1 missed while it was away.
  @exclusivity(unchecked) var missedCount: UInt64 = 0

  // From the client.
  @exclusivity(unchecked) var lastIn: UInt64 = 0
  @exclusivity(unchecked) var receivedIn: UInt64 = 0
  @exclusivity(unchecked) var lastAckSent: UInt64 = 0
  @exclusivity(unchecked) var isAckDue = false
  @exclusivity(unchecked) private var inbox: Deque<Inbound> = []
  /// What is received and not begun. A number of its own: a look into the queue would be counted.
  @exclusivity(unchecked) private(set) var inboxCount = 0
  @exclusivity(unchecked) private(set) var inboxByteCount = 0
  @exclusivity(unchecked) var busy: Busy?
  /// What of the inbox's cost is in the shard's account, since the connection has ended.
  @exclusivity(unchecked) var awayInboxByteCount = 0
  /// `bye` waits among what was received: what comes before it is processed even if nobody will read the answers.
  @exclusivity(unchecked) var saysBye = false

  @exclusivity(unchecked) var memberships: [Membership] = []
  /// Whether the rooms were told that it is away.
  @exclusivity(unchecked) var isAwayTold = false
  /// The connection that is welcomed when the session has entered the rooms it was restored with.
  @exclusivity(unchecked) var arrival: Arrival?
  /// When the connection was opened that was attached last.
  @exclusivity(unchecked) var connectionOpenedAt = Instant.zero
  /// A claim that waits until the session is at rest.
  @exclusivity(unchecked) var heldClaim: Claim?
  /// How often connections took it from one another lately.
  @exclusivity(unchecked) var takeovers = RateBucket()

  @exclusivity(unchecked) var expiry = Alarm()
  @exclusivity(unchecked) var ackDelay = Alarm()
  /// Until when it has to acknowledge more than `ackedAtOverrun`: its outbox has given up what is under way.
  @exclusivity(unchecked) var overrun = Alarm()
  @exclusivity(unchecked) var ackedAtOverrun: UInt64 = 0
  @exclusivity(unchecked) var handlerDeadline = Alarm()

  init(
    slot: Slot, sid: SessionID, now: Instant, principal: Principal, version: UInt64, epoch: UInt64,
    tokens: ResumeTokens, ttlMilliseconds: UInt64, window: Window, createdAt: Instant
  ) {
    phase = .suspended(since: now)
    (self.slot, self.sid, self.principal) = (slot, sid, principal)
    (self.version, self.epoch, self.tokens, self.ttlMilliseconds) = (version, epoch, tokens, ttlMilliseconds)
    (self.window, self.createdAt) = (window, createdAt)
  }

  var connection: Slot? { phase.connection }

  /// Asks for what a message to the client touches.
  @inline(__always) func prefetch() {
    withUnsafePointer(to: &phase) { first in
      withUnsafePointer(to: &lastAckSent) { Prefetch.bytes(from: first, to: $0) }
    }
  }

  /// Whether nothing is under way that would come back to this shard: only then may the session move.
  var isAtRest: Bool { busy == nil && !memberships.contains { $0.index == nil } }

  var context: SessionContext {
    if let knownContext { return knownContext }
    let context = SessionContext(sid: sid, epoch: epoch, principal: principal, state: state)
    knownContext = context
    return context
  }

  /// Whether that is what `context` would give.
  func isKnown(as context: SessionContext?) -> Bool {
    guard let knownContext else { return false }
    return SessionContext.isSame(knownContext, context)
  }

  /// Whether the message that is worked on is that one.
  func isBusy(with serial: UInt64) -> Bool { busy?.serial == serial }

  func membershipIndex(_ room: String) -> Int? { memberships.firstIndex { $0.name.isSameName(as: room) } }

  func enqueue(_ inbound: Inbound) {
    if inbound.isBye { saysBye = true }
    inboxCount += 1
    inboxByteCount += inbound.payload.count
    inbox.append(inbound)
  }

  func dequeue() -> Inbound? {
    guard inboxCount > 0, let first = inbox.popFirst() else { return nil }
    inboxCount -= 1
    inboxByteCount -= first.payload.count
    return first
  }

  /// What a message takes besides its payload, in bytes.
  static let inboundOverheadByteCount = 512

  /// What the inbox takes, in bytes.
  var inboxCost: Int { inboxByteCount + inboxCount * Session.inboundOverheadByteCount }

  /// What was received and not begun will be sent again.
  func dropInbox() {
    inbox.removeAll()
    (inboxCount, inboxByteCount, saysBye) = (0, 0, false)
    receivedIn = lastIn
  }

  /// Numbering begins anew: nothing that was counted before can be told apart.
  func renumber(epoch: UInt64, version: UInt64) {
    (self.epoch, self.version) = (epoch, version)
    missedCount += UInt64(outbox.messageCount)
    outbox = Outbox()
    (lastIn, receivedIn, lastAckSent) = (0, 0, 0)
  }
}

/// A session between two shards.
struct SessionTransfer: Sendable {
  var sid: SessionID
  var principal: Principal
  var instance: String?
  var version: UInt64
  var epoch: UInt64
  var generation: UInt64
  var tokens: ResumeTokens
  var ttlMilliseconds: UInt64
  var createdAt: Instant
  var state: [UInt8]?
  var outbox: Outbox
  var window: Window
  var missedCount: UInt64
  var lastIn: UInt64
  var memberships: [Membership]
  var isAwayTold: Bool
  var connectionOpenedAt: Instant
  var takeovers: RateBucket
}

extension Session {
  /// All that outlives a connection.
  var transfer: SessionTransfer {
    SessionTransfer(
      sid: sid, principal: principal, instance: instance, version: version, epoch: epoch, generation: generation,
      tokens: tokens, ttlMilliseconds: ttlMilliseconds, createdAt: createdAt, state: state, outbox: outbox,
      window: window, missedCount: missedCount, lastIn: lastIn, memberships: memberships,
      isAwayTold: isAwayTold, connectionOpenedAt: connectionOpenedAt, takeovers: takeovers)
  }

  convenience init(slot: Slot, arriving transfer: SessionTransfer, now: Instant) {
    self.init(
      slot: slot, sid: transfer.sid, now: now, principal: transfer.principal,
      version: transfer.version, epoch: transfer.epoch, tokens: transfer.tokens,
      ttlMilliseconds: transfer.ttlMilliseconds, window: transfer.window, createdAt: transfer.createdAt)
    (instance, generation, state, outbox) = (transfer.instance, transfer.generation, transfer.state, transfer.outbox)
    (missedCount, lastIn, receivedIn, lastAckSent) = (
      transfer.missedCount, transfer.lastIn, transfer.lastIn, transfer.lastIn
    )
    (memberships, isAwayTold, takeovers) = (transfer.memberships, transfer.isAwayTold, transfer.takeovers)
    connectionOpenedAt = transfer.connectionOpenedAt
    for index in memberships.indices { memberships[index].index = nil }
  }
}
