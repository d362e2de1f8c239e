// The one place that needs Foundation; its small half is enough.
import FoundationEssentials
import SessionCore

extension SessionServer {
  /// A handler whose payloads are Swift values. Convenient, and some 10 µs an event slower than bytes. A payload that
  /// cannot be decoded is answered with `payload.invalid`.
  public func on<Request: Decodable & SendableMetatype, Response: Encodable & SendableMetatype>(
    _ event: String, versions: ClosedRange<UInt64> = 1...1, as: Request.Type = Request.self,
    _ handler: @escaping @Sendable (_ request: Request, _ event: Event, _ session: SessionContext) throws -> Response
  ) {
    on(event, versions: versions) { event, session in
      let response = try handler(try JSONPayload.decode(Request.self, event.payload), event, session)
      return .reply(try JSONPayload.encode(response))
    }
  }

  /// The same for a handler that waits.
  public func onAsync<Request: Decodable & SendableMetatype, Response: Encodable & SendableMetatype>(
    _ event: String, versions: ClosedRange<UInt64> = 1...1, as: Request.Type = Request.self,
    _ handler:
      @escaping @Sendable (_ request: Request, _ event: Event, _ session: SessionContext) async throws -> Response
  ) {
    onAsync(event, versions: versions) { event, session in
      let response = try await handler(try JSONPayload.decode(Request.self, event.payload), event, session)
      return .reply(try JSONPayload.encode(response))
    }
  }
}

extension Event {
  /// The payload as a Swift value.
  /// - Throws: `ProtocolError` `payload.invalid`, which the client is told, if it cannot be decoded.
  public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
    try JSONPayload.decode(type, payload)
  }
}

extension HandlerOutcome {
  /// The event goes, with the value as its payload, to every member of the room; the session must be one.
  /// - Throws: the value's own error if it cannot be encoded; the client is told `handler.failed`.
  public static func publish(
    room: String, event: String, version: UInt64 = 1, payload: some Encodable
  ) throws -> HandlerOutcome {
    .publish(room: room, event: event, eventVersion: version, payload: try JSONPayload.encode(payload))
  }
}

package enum JSONPayload {
  package static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw invalid(error)
    }
  }

  static func encode(_ value: some Encodable) throws -> [UInt8] { Array(try JSONEncoder().encode(value)) }

  /// With the place of the fault as a JSON pointer, and what was expected there.
  private static func invalid(_ error: DecodingError) -> ProtocolError {
    switch error {
    case .keyNotFound(let key, let context): .invalidPayload(at: pointer(context), "the member \"\(key.stringValue)\" is missing")
    case .valueNotFound(let type, let context):
      .invalidPayload(at: pointer(context), "a value expected (\(type)), not null or nothing")
    case .typeMismatch(let type, let context):
      .invalidPayload(at: pointer(context), "a value of another type expected (\(type))")
    case .dataCorrupted(let context): .invalidPayload(at: pointer(context), "a value that can be decoded expected")
    @unknown default: .invalidPayload(at: "", "cannot be decoded")
    }
  }

  /// RFC 6901: `/items/0/qty`.
  private static func pointer(_ context: DecodingError.Context) -> String {
    context.codingPath.map { key in
      let name = key.intValue.map(String.init) ?? key.stringValue
      return "/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
    }.joined()
  }
}
