import SessionCore

/// An event for a handler.
public struct Event: Sendable {
  public var name: String
  /// The event's own schema version.
  public var version: UInt64
  /// The sender's correlation id: together with the session the idempotency key.
  public var id: String?
  public var room: String?
  /// JSON text.
  public var payload: [UInt8]

  init(_ delivery: Delivery) {
    (name, version, id, room) = (delivery.event, delivery.eventVersion, delivery.id, delivery.room)
    payload = delivery.payload
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
