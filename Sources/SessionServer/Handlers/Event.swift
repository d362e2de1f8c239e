import SessionCore
import WebSocketFrames

/// An event for a handler.
public struct Event: Sendable {
  private let delivery: Delivery

  init(_ delivery: Delivery) { self.delivery = delivery }

  public var name: String { delivery.event }
  /// The event's own schema version.
  public var version: UInt64 { delivery.eventVersion }
  /// The sender's correlation id.
  public var id: String? { delivery.id }
  /// The message's number in the session's numbering; nil for one that is not counted.
  public var seq: UInt64? { delivery.seq }
  public var room: String? { delivery.room }
  /// JSON text.
  public var payload: [UInt8] { delivery.payload }
}

extension Event {
  /// Names this event for ever, so that who processes it can know it again: the session with the message's number, or with
  /// chance where messages have none, another one each time it is asked for then. The sender's id is not taken: it may use
  /// one twice. At most 128 characters that may stand in a header.
  public func idempotencyKey(in session: SessionContext) -> String {
    if let seq { return "\(session.sid):\(hexDigits(session.epoch)):\(seq)" }
    let chance = (0..<2).map { _ in hexDigits(.random(in: .min ... .max)) }
    return "\(session.sid):once:\(chance.joined())"
  }
}

/// A handler on the event loop: fast, and waits for nothing. A `ProtocolError` that it throws is told to the client;
/// any other error is logged and told as `handler.failed`.
public typealias Handler = @Sendable (_ event: Event, _ session: SessionContext) throws -> HandlerOutcome

/// A handler that may wait, for `Limits.handlerTimeoutMilliseconds`. The next message of the session comes after it.
public typealias AsyncHandler = @Sendable (_ event: Event, _ session: SessionContext) async throws -> HandlerOutcome

/// The handlers of a server, under the numbers by which the dispatcher names them.
struct HandlerTable: Sendable {
  enum Entry: Sendable {
    case immediate(Handler)
    case async(AsyncHandler)
  }

  private(set) var entries: [Entry] = []
  private(set) var dispatcher = Dispatcher()
  var events = EventRules()

  mutating func add(_ event: String, _ versions: ClosedRange<UInt64>, _ entry: Entry) {
    dispatcher.on(event, versions: versions, append(entry))
  }

  mutating func add(_ pattern: EventPattern, _ entry: Entry) {
    switch pattern {
    case .name(let name): dispatcher.on(name, versions: 0...UInt64.max, append(entry))
    case .prefix(let prefix): dispatcher.on(prefix: prefix, append(entry))
    }
  }

  mutating func setFallback(_ entry: Entry) { dispatcher.fallback = append(entry) }

  private mutating func append(_ entry: Entry) -> HandlerID {
    entries.append(entry)
    return HandlerID(rawValue: entries.count - 1)
  }
}

extension ProtocolError {
  /// What a client learns of an error that a handler threw and that is not one for clients.
  static var handlerFailed: ProtocolError { ProtocolError("handler.failed", "the handler failed") }

  public static func invalidPayload(_ reason: String) -> ProtocolError { ProtocolError("payload.invalid", reason) }
}
