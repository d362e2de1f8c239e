/// All that a shard can ask of its driver. The driver carries the effects out in order, after the call that made them.
///
/// What each message causes is small, and what is large and rarer stands apart.
public enum Effect: Sendable {
  /// The connection has something to send: `drain` it once, at the end of the tick, if its transport takes bytes.
  case write(Slot)
  /// Send what `drain` still gives, then close the transport with `code`; report `closed` when it is gone.
  indirect case close(Slot, CloseCode, reason: String)
  /// The session takes messages again after `receive` had said `pause`.
  case resumeReading(Slot)
  /// Send the transport's own ping: the peer's protocol version has none.
  case transportPing(Slot)
  indirect case ask(HookToken, Question)
  /// An event is for the application, and was not served as it came: `lendDelivery` gives it.
  case deliver(HandlerToken)
  /// To the broker, which answers with `logged`: operations of one room in their order.
  indirect case log(LogToken, LogOperation)
  /// To another shard. Messages from one shard to another arrive in their order; nothing else is asked of the way.
  indirect case post(ShardMessage, to: Int)
  indirect case observe(LifecycleEvent)
  indirect case answer(CommandToken, CommandResult)
}

/// Effects in their order; the driver empties it.
public typealias Effects = [Effect]

/// Whether a transport goes on handing messages to the shard.
public enum Intake: Sendable, Equatable {
  case more
  /// No more until `resumeReading`: what was handed over last was taken.
  case pause
  /// The connection is closing: whatever comes is to be thrown away.
  case stop
}

/// What a transport knows of a connection when it opens.
public struct ConnectionDescription: Sendable {
  /// For people: `websocket`.
  public var transport: String
  /// The peer's address, for people.
  public var remote: String
  /// The version that the transport's own negotiation fixed, nil where it left that to `hello`.
  public var version: UInt64?
  /// A credential that came with the transport's handshake (`Authorization: Bearer`).
  public var credential: Secret?
  /// Whom the transport itself has found the peer to be, by its certificate; nil where it does not know.
  public var verifiedSubject: String?

  public init(
    transport: String, remote: String, version: UInt64? = nil, credential: Secret? = nil,
    verifiedSubject: String? = nil
  ) {
    (self.transport, self.remote, self.version, self.credential) = (transport, remote, version, credential)
    self.verifiedSubject = verifiedSubject
  }
}

/// A text that must not be shown: printing it shows that it is there and no more.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let text: String

  public init(_ text: String) { self.text = text }

  /// The text itself: for the one place that checks or sends it.
  public func reveal() -> String { text }

  public var description: String { "(secret)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(reflecting: description) }
}

/// Who a session belongs to, from the authenticator.
public struct Principal: Sendable, Equatable {
  /// Opaque; 1 to 128 bytes.
  public var user: String
  /// `*`, `join:PATTERN`, `publish:PATTERN`, `event:PATTERN` (see `Grants`), or words of the application's own.
  public var permissions: [String]
  /// For how long the credential is good from the moment of the answer on; nil without end.
  public var validForMilliseconds: UInt64?

  public init(user: String, permissions: [String] = [], validForMilliseconds: UInt64? = nil) {
    (self.user, self.permissions, self.validForMilliseconds) = (user, permissions, validForMilliseconds)
  }
}

/// Names one question to a hook; an answer that comes late or twice finds nobody.
public struct HookToken: Sendable, Hashable {
  enum Asker: Sendable, Hashable {
    case connection(Slot)
    case session(Slot)
  }

  var asker: Asker
  var serial: UInt64
}

public enum Question: Sendable {
  /// Who is it? `scheme` and `credential` are from `hello`, or from the transport's handshake; `verifiedSubject` is from
  /// the transport alone.
  case authenticate(scheme: String, credential: Secret?, remote: String, verifiedSubject: String?)
  case authorizeJoin(room: String, principal: Principal, sid: SessionID)
  /// A session begins anew for a client that asked for `previous`, which is gone: what does the application still know?
  case restore(principal: Principal, previous: SessionID)
}

public enum Answer: Sendable {
  case authenticated(Principal)
  case authorized
  /// The message is for the client.
  case refused(ProtocolError)
  /// State as JSON, and rooms that the session is put into.
  case restored(state: [UInt8]?, rooms: [String])
  /// The hook knows nothing of it.
  case nothing
}

/// One event for the application.
public struct Delivery: Sendable {
  private let inbound: Inbound

  /// - Parameter inbound: one that is addressed.
  init(_ inbound: Inbound) { self.inbound = inbound }

  public var handler: HandlerID { inbound.handler }
  public var event: String { inbound.name }
  /// The event's own schema version.
  public var eventVersion: UInt64 { inbound.handledVersion }
  /// The sender's correlation id.
  public var id: String? { inbound.id }
  /// The message's number in the session's numbering; nil for one that is not counted.
  public var seq: UInt64? { inbound.seq }
  public var room: String? { inbound.room }
  /// JSON text.
  public var payload: [UInt8] { inbound.payload }
  public var session: SessionContext { inbound.context ?? .none }

  /// The same without being counted, which takes two atomic operations: a message has its context as long as it is held.
  public func withSession(_ body: (SessionContext) throws -> HandlerOutcome) rethrows -> HandlerOutcome {
    guard let facts = inbound.lentFacts else { return try body(.none) }
    return try facts._withUnsafeGuaranteedRef { try body(SessionContext($0)) }
  }
}

/// What a handler may know of the session.
public struct SessionContext: Sendable {
  /// Made when something of it changes, and shared by all messages until then.
  final class Facts: Sendable {
    let sid: SessionID
    let epoch: UInt64
    let principal: Principal
    let state: [UInt8]?

    init(_ sid: SessionID, _ epoch: UInt64, _ principal: Principal, _ state: [UInt8]?) {
      (self.sid, self.epoch, self.principal, self.state) = (sid, epoch, principal, state)
    }
  }

  let facts: Facts

  fileprivate init(_ facts: Facts) { self.facts = facts }

  /// Of nobody.
  static let none = SessionContext(sid: SessionID(high: 0, low: 0), epoch: 0, principal: Principal(user: ""), state: nil)

  init(sid: SessionID, epoch: UInt64, principal: Principal, state: [UInt8]?) {
    facts = Facts(sid, epoch, principal, state)
  }

  @inline(__always) static func isSame(_ one: SessionContext, _ other: SessionContext?) -> Bool {
    one.facts === other?.facts
  }

  public var sid: SessionID { facts.sid }
  /// The numbering that `seq` counts in: it is new whenever the numbers begin again.
  public var epoch: UInt64 { facts.epoch }
  public var principal: Principal { facts.principal }
  /// JSON text, nil if none was set.
  public var state: [UInt8]? { facts.state }
}

public struct HandlerToken: Sendable, Hashable {
  var session: Slot
  var serial: UInt64
}

/// What a handler wants to happen. Payloads are JSON text. As small as a pointer, since each message has one: what is
/// large and rarer stands apart.
public enum HandlerOutcome: Sendable {
  case done
  case reply([UInt8])
  indirect case failure(ProtocolError)
  /// The event goes to every member of the room; the session must be one.
  indirect case publish(room: String, event: String, eventVersion: UInt64, payload: [UInt8])
  /// The event goes to other sessions; the reply tells to how many.
  indirect case direct(Target, event: String, eventVersion: UInt64, payload: [UInt8])
  /// The session's state is replaced.
  case setState([UInt8])
}

/// Handles an event, and tells the outcome; nil if that comes later, or is for others to find out. The event is lent: who
/// keeps it holds it.
public typealias Serving = (_ event: Delivery) -> HandlerOutcome?

public enum Target: Sendable, Hashable {
  case session(SessionID)
  case user(String)
}

public struct LogToken: Sendable, Hashable {
  var room: Slot
  var serial: UInt64
}

public enum LogOperation: Sendable {
  /// The room came into being: where does its log stand?
  case open(room: String)
  /// One more message.
  case append(room: String, RoomEvent)
  /// Nobody is in the room any more. Not answered.
  case close(room: String)
}

public struct CommandToken: Sendable, Hashable {
  public var value: UInt64
  public init(_ value: UInt64) { self.value = value }
}

/// What the application and the operator can ask for, of any shard.
public enum Command: Sendable {
  /// Ends the session: `revoked`, close code 4507.
  case kick(SessionID, reason: String)
  /// Asks the session's client to come back on a new connection in so many milliseconds, while the present one goes
  /// on. `.done(0)`: it has none.
  case advise(SessionID, reconnectAfterMilliseconds: UInt64)
  /// Ends all of a user's sessions, suspended ones too; the answer tells how many.
  case kickUser(String, reason: String)
  /// From the server itself: no `from`.
  case publish(room: String, RoomEvent)
  case send(Target, event: String, eventVersion: UInt64, payload: [UInt8])
}

public enum CommandResult: Sendable, Equatable {
  /// Done, for so many sessions.
  case done(Int)
  /// Published to a room of so many members; a transient event has no position.
  case published(LogPosition?, memberCount: Int)
  case notFound
  case refused(ProtocolError)

  /// To how many sessions it went; nil if it was not done.
  public var sessionCount: Int? {
    switch self {
    case .done(let count), .published(_, let count): count
    case .notFound, .refused: nil
    }
  }
}

/// What happened, for operators: never a payload, never a secret.
public struct LifecycleEvent: Sendable {
  public enum Kind: String, Sendable {
    case connectionOpened = "connection.opened"
    case connectionClosed = "connection.closed"
    case sessionCreated = "session.created"
    case sessionResumed = "session.resumed"
    case sessionSuspended = "session.suspended"
    case sessionEnded = "session.ended"
    case resumeRefused = "resume.refused"
    /// The restorer's answer could not be used.
    case restoreFailed = "restore.failed"
    case tokenReused = "session.token_reuse"
    case roomCreated = "room.created"
    case roomRemoved = "room.removed"
    /// A restored session could not be put into a room.
    case roomNotRestored = "room.not_restored"
  }

  public var kind: Kind
  public var sid: SessionID?
  public var connection: ConnectionID?
  public var user: String?
  public var room: String?
  public var code: UInt16?
  public var reason: String?

  init(
    _ kind: Kind, sid: SessionID? = nil, connection: ConnectionID? = nil, user: String? = nil, room: String? = nil,
    code: UInt16? = nil, reason: String? = nil
  ) {
    (self.kind, self.sid, self.connection, self.user) = (kind, sid, connection, user)
    (self.room, self.code, self.reason) = (room, code, reason)
  }
}
