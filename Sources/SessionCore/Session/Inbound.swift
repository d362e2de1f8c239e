/// A message of the client that waits for its turn, or has it.
///
/// The objects are used again, so that a message takes no memory that was not there before. Sendable without a check, and
/// its variables are not checked for overlapping access: one is filled before anybody else has it and filled anew when
/// nobody else holds it (`Spares`); in between it is only read.
final class Inbound: @unchecked Sendable {
  enum Kind: Sendable {
    case join(JoinRequest)
    case leave
    case bye(reason: String)
  }

  @exclusivity(unchecked) private(set) var isEvent = false
  /// Of what is no event.
  @exclusivity(unchecked) private(set) var kind = Kind.leave
  /// Nil for a message that may be lost, and in version 1.
  @exclusivity(unchecked) private(set) var seq: UInt64?
  /// The inside of the `id`'s JSON string, as it was written: an answer says it back without having read it.
  @exclusivity(unchecked) private var idJSON = KeptBytes()
  @exclusivity(unchecked) private(set) var hasID = false
  @exclusivity(unchecked) private var idHasEscapes = false
  @exclusivity(unchecked) private(set) var isTransient = false
  /// Of an event, and who handles it.
  @exclusivity(unchecked) var event = DispatchCache.Entry.none
  /// `Envelope.layout` of the message that `event` was found for.
  @exclusivity(unchecked) private var eventLayout: UInt32 = 0
  @exclusivity(unchecked) private(set) var room: String?
  @exclusivity(unchecked) private(set) var key: String?
  /// Of an event: JSON text. From when it is its turn, in the version that handlers know.
  @exclusivity(unchecked) private(set) var payload: [UInt8] = []

  /// To whom an event goes, from when it is its turn.
  @exclusivity(unchecked) private(set) var handler = HandlerID(rawValue: -1)
  /// The version that handlers know.
  @exclusivity(unchecked) private(set) var handledVersion: UInt64 = 0
  @exclusivity(unchecked) private(set) var context: SessionContext?

  /// The context's, not counted: good as long as the message is held, since no other context takes its place meanwhile.
  var lentFacts: Unmanaged<SessionContext.Facts>? { context.map { Unmanaged.passUnretained($0.facts) } }

  /// More than this is not kept for the next message.
  private static let keptByteCount = 1_024

  /// Not counted: good as long as somebody holds it.
  var lent: Unmanaged<Inbound> { Unmanaged.passUnretained(self) }

  var idByteCount: Int { idJSON.byteCount }

  /// Puts the inside of the `id`'s JSON string: `idByteCount` bytes.
  @inline(__always) func putID(_ message: inout ByteCursor) { idJSON.put(&message) }

  var id: String? {
    guard hasID else { return nil }
    let text = idJSON.bytes
    return JSONText(range: text.indices, hasEscapes: idHasEscapes).text(text.span)
  }
  var name: String { event.name }
  var version: UInt64 { event.version }
  var decision: Dispatcher.Decision { event.decision }
  var isBye: Bool { if isEvent { false } else if case .bye = kind { true } else { false } }

  /// Of one that is new or cleared.
  /// - Parameter seq: nil where the session's messages have no numbers.
  func fill(_ kind: Kind, _ envelope: Envelope, _ bytes: Span<UInt8>, seq: UInt64?) {
    self.kind = kind
    isTransient = false
    // What `enqueue` counts.
    if !payload.isEmpty { payload = [] }
    fill(envelope, bytes, seq)
  }

  /// Whether `event` is already that of messages with this layout.
  @inline(__always) func hasEvent(of layout: UInt32) -> Bool { layout != 0 && layout == eventLayout }

  /// The same for an event; its name is for `event`.
  func fillEvent(_ envelope: Envelope, _ bytes: Span<UInt8>, seq: UInt64?) {
    isEvent = true
    eventLayout = envelope.layout
    // Only an event can be transient, and then it has no number: one that it was given is ignored.
    isTransient = envelope.isTransient
    fill(envelope, bytes, isTransient ? nil : seq)
    if let key = envelope.key { self.key = key.text(bytes) }
    // Not in `clear`: a handler's answer may still share the bytes then.
    payload.assign(bytes.extracting(envelope.payload ?? 0..<0))
  }

  @inline(__always) private func fill(_ envelope: Envelope, _ bytes: Span<UInt8>, _ seq: UInt64?) {
    self.seq = seq
    hasID = envelope.id != nil
    if let id = envelope.id {
      idHasEscapes = id.hasEscapes
      idJSON.assign(bytes, id.range)
    }
    if let room = envelope.room { self.room = room.text(bytes) }
  }

  /// - Parameter castPayload: the payload in that version, nil if it was said in it.
  func send(to handler: HandlerID, version: UInt64, castPayload: [UInt8]?, of session: Session) {
    (self.handler, handledVersion) = (handler, version)
    if let castPayload { payload = castPayload }
    // Mostly the message that was here before was the same session's.
    if !session.isKnown(as: context) { context = session.context }
  }

  /// What the message said is let go of, but for memory that the next one can use; of what is small and shared, the next
  /// one takes the place.
  func clear() {
    if !isEvent { kind = .leave }
    isEvent = false
    // Mostly there is none of these.
    if room != nil { room = nil }
    if key != nil { key = nil }
    // A state may be large, and a session may end.
    if context?.state != nil { context = nil }
    if payload.count > Inbound.keptByteCount { payload = [] }
  }
}

/// What a client asks for with `join`.
struct JoinRequest: Sendable {
  var wantsPresence = false
  var wish: HistoryWish?
  /// Why it cannot be taken.
  var fault: String?

  init(fault: String) { self.fault = fault }

  init(_ payload: JSONValue) {
    let presence = payload["presence"] ?? .null
    wantsPresence = presence.boolValue ?? false
    let (count, since) = (payload["history"] ?? .null, payload["since"] ?? .null)
    if payload != .null, !payload.isObject {
      fault = "the payload is an object: {presence, history, since}"
    } else if presence != .null, presence.boolValue == nil {
      fault = "presence is true or false"
    } else if count != .null, since != .null {
      fault = "history and since exclude each other"
    } else if since != .null {
      wish = LogPosition(since).map { .since($0) }
      if wish == nil { fault = "since is a position: [log, offset]" }
    } else if count != .null {
      wish = count.unsignedValue.map { .last($0) }
      if wish == nil { fault = "history is how many messages are wanted" }
    }
  }
}

/// The message that a session is working on; the next one waits.
struct Busy {
  var serial: UInt64
  var inbound: Inbound
  /// Until when a hook or a handler may answer, `.never` for work that is sure to end.
  var deadline: Instant = .never

  /// The message, not counted: good as long as the session is at work on it.
  var lent: Unmanaged<Inbound> { inbound.lent }
}
