/// A message for the application, to keep; its fields are read when they are asked for.
public struct IncomingMessage: Sendable {
  public let envelope: Envelope
  public let bytes: [UInt8]

  /// Copies the message that `envelope` was read from.
  public init(_ envelope: Envelope, _ bytes: Span<UInt8>) {
    self.envelope = envelope
    self.bytes = bytes.withUnsafeBufferPointer { Array($0) }
  }

  public var type: MessageType { envelope.type }
  public var seq: UInt64? { envelope.seq }
  public var event: String? { text(envelope.event) }
  public var eventVersion: UInt64 { envelope.eventVersion }
  public var id: String? { text(envelope.id) }
  /// The id of the message that is answered.
  public var re: String? { text(envelope.re) }
  public var room: String? { text(envelope.room) }
  /// The sender's session.
  public var from: String? { text(envelope.from) }
  public var key: String? { text(envelope.key) }
  public var isTransient: Bool { envelope.isTransient }
  /// Whether it was said before this client came to the room.
  public var isHistory: Bool { envelope.isHistory }
  public var position: LogPosition? { envelope.pos.flatMap { LogPosition(bytes.span, $0) } }

  /// JSON text; empty if the message has none.
  public var payload: ArraySlice<UInt8> { envelope.payload.map { bytes[$0] } ?? [] }
  public var payloadText: String { String(decoding: payload, as: UTF8.self) }
  /// The payload as a tree; `null` if the message has none.
  public var json: JSONValue { (try? JSONValue(parsing: Array(payload))) ?? .null }
  /// Of a reply to `join`: what comes of the room's older messages; nil if none were asked for.
  public var continuity: RoomContinuity? { type == .reply ? RoomContinuity(json) : nil }
  /// What an `error` says, nil for other types.
  public var error: ProtocolError? { type == .error ? ProtocolError(json) : nil }

  private func text(_ text: JSONText?) -> String? { text?.decoded(bytes.span) }
}

extension ProtocolError {
  /// Reads the payload of an `error`; nil without a code.
  public init?(_ payload: JSONValue) {
    guard let code = payload["code"]?.stringValue else { return nil }
    self.init(
      code, payload["message"]?.stringValue ?? "",
      retry: payload["retry"]?.stringValue.flatMap(RetryAdvice.init) ?? .never,
      retryAfterMilliseconds: payload["retry_after_ms"]?.unsignedValue)
    supported = payload["supported"]?.arrayValue?.compactMap(\.unsignedValue) ?? []
    path = payload["path"]?.stringValue
  }
}

extension LogPosition {
  /// Reads `["16hex",offset]` where it lies; nil for anything else.
  public init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    guard range.count > 21, bytes[range.lowerBound] == 0x5B, bytes[range.lowerBound + 1] == 0x22,
      bytes[range.lowerBound + 18] == 0x22, bytes[range.lowerBound + 19] == 0x2C
    else {
      // Somebody else's writer, with blanks or escapes.
      self.init(try? JSONValue(parsing: bytes.extracting(range)))
      return
    }
    var log: UInt64 = 0
    for index in range.lowerBound + 2..<range.lowerBound + 18 {
      guard let digit = LogPosition.hexValue(bytes[index]) else { return nil }
      log = log << 4 | digit
    }
    var reader = JSONReader(at: range.lowerBound + 20)
    guard let offset = try? reader.unsigned(bytes), (try? reader.expect(0x5D, bytes)) != nil else { return nil }
    self.init(log: log, offset: offset)
  }

  private static func hexValue(_ byte: UInt8) -> UInt64? {
    switch byte {
    case 0x30...0x39: UInt64(byte - 0x30)
    case 0x61...0x66: UInt64(byte - 0x61 + 10)
    default: nil
    }
  }
}
