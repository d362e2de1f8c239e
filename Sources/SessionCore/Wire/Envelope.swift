/// One message as it lies in its bytes: header fields read, `payload` a slice that nobody has looked into but to see
/// that it is JSON. PROTOCOL.md, "Envelope".
public struct Envelope: Sendable {
  // In an order that leaves few holes: with each message one is made and one is copied.
  public var version: UInt64 = 0
  public var eventVersion: UInt64 = 1
  @MessageNumber public var seq: UInt64? = nil
  @MessageNumber public var ack: UInt64? = nil
  public var type: MessageType = .event
  public var isTransient = false
  /// The message was said before its receiver came to the room.
  public var isHistory = false
  /// Names the layout that the message was found to have; 0 for none. Messages that one reader finds to have the same
  /// one have the same `event` and `eventVersion`.
  package var layout: UInt32 = 0
  @MessagePlace public var event: JSONText? = nil
  @MessagePlace public var id: JSONText? = nil
  @MessagePlace public var re: JSONText? = nil
  @MessagePlace public var room: JSONText? = nil
  @MessagePlace public var from: JSONText? = nil
  @MessagePlace public var key: JSONText? = nil
  @MessagePlace private var posText: JSONText? = nil
  @MessagePlace private var payloadText: JSONText? = nil

  /// `[log, offset]` as it was written.
  public var pos: Range<Int>? {
    get { posText?.range }
    set { posText = newValue.map { JSONText(range: $0, hasEscapes: false) } }
  }

  public var payload: Range<Int>? {
    get { payloadText?.range }
    set { payloadText = newValue.map { JSONText(range: $0, hasEscapes: false) } }
  }

  /// What a message is refused with.
  public enum Fault: Error, Equatable, Sendable {
    /// Not a message of this protocol: `envelope.malformed`.
    case malformed(Malformed)
    /// `v` is a number, and not one that is spoken here: `version.unsupported`. The rest was not judged.
    case version(UInt64)
    /// `crit` names an extension that is not known here: `extension.unsupported`.
    case extensionUnsupported(String)
  }

  /// Longest value of a text field, in UTF-8 bytes of the decoded text.
  public enum MaxBytes {
    public static let event = 128
    public static let id = 64
    public static let room = 128
    public static let key = 128
  }

  /// The versions spoken here, newest first.
  public static let versions: [UInt64] = [2, 1]

  /// Whether it is one of `versions`: with each message, without a look into a list.
  @inline(__always) static func isSpoken(_ version: UInt64) -> Bool { version == 2 || version == 1 }

  public init() {}

  /// Reads a message. Unknown fields are passed over, unless `crit` names them.
  public init(parsing bytes: Span<UInt8>) throws(Fault) {
    self.init()
    try read(bytes)
  }

  /// Becomes the message: of what was not read it must be as new.
  /// - Parameter isUTF8: see `EnvelopeReader.read`.
  mutating func read(_ bytes: Span<UInt8>, isUTF8: Bool = false) throws(Fault) {
    var fields = FieldSet()
    do throws(Malformed) {
      try readMembers(bytes, isUTF8, &fields)
      guard fields.contains(.v) else { throw Malformed("v is missing", at: 0) }
      if Envelope.isSpoken(version) { try judge(fields, bytes) }
    } catch {
      throw .malformed(error)
    }
    guard Envelope.isSpoken(version) else { throw .version(version) }
    if let crit = fields.crit { try Envelope.judgeExtensions(crit, bytes) }
  }

  static func checkUTF8(_ bytes: Span<UInt8>) throws(Malformed) {
    do {
      _ = try UTF8Span(validating: bytes)
    } catch {
      throw Malformed("not UTF-8", at: error.byteOffsets.lowerBound)
    }
  }

  // MARK: Members

  private mutating func readMembers(
    _ bytes: Span<UInt8>, _ isUTF8: Bool, _ fields: inout FieldSet
  ) throws(Malformed) {
    guard bytes.count <= JSONReader.maxByteCount else { throw Malformed("too long", at: 0) }
    var reader = JSONReader()
    guard try reader.peek(bytes) == 0x7B else { throw reader.fail("a message is a JSON object") }
    reader.index &+= 1
    if try reader.peek(bytes) == 0x7D {
      reader.index &+= 1
    } else {
      while true {
        try readMember(&reader, bytes, &fields)
        guard try reader.peek(bytes) == 0x2C else { break }
        reader.index &+= 1
      }
      try reader.expect(0x7D, bytes)
    }
    try reader.expectEnd(bytes)
    if reader.sawNonASCII, !isUTF8 { try Envelope.checkUTF8(bytes) }
  }

  private mutating func readMember(
    _ reader: inout JSONReader, _ bytes: Span<UInt8>, _ fields: inout FieldSet
  ) throws(Malformed) {
    reader.skipSpace(bytes)
    let start = reader.index
    let key = try reader.string(bytes)
    try reader.expect(0x3A, bytes)
    if let field = Field(key, bytes) {
      guard fields.insert(field) else { throw Malformed("duplicate key \"\(field)\"", at: start) }
      return try readField(field, &reader, bytes, &fields)
    }
    guard fields.insertUnknown(key.decoded(bytes)) else { throw Malformed("duplicate key", at: start) }
    _ = try reader.skipValue(bytes, depth: 1)
  }

  private mutating func readField(
    _ field: Field, _ reader: inout JSONReader, _ bytes: Span<UInt8>, _ fields: inout FieldSet
  ) throws(Malformed) {
    switch field {
    case .v: version = try reader.unsigned(bytes)
    case .seq: seq = try reader.unsigned(bytes)
    case .ack: ack = try reader.unsigned(bytes)
    case .ev: eventVersion = try reader.unsigned(bytes)
    case .type: fields.type = try reader.string(bytes)
    case .event: event = try reader.string(bytes)
    case .id: id = try reader.string(bytes)
    case .re: re = try reader.string(bytes)
    case .room: room = try reader.string(bytes)
    case .from: from = try reader.string(bytes)
    case .key: self.key = try reader.string(bytes)
    case .delivery: isTransient = try Envelope.readDelivery(&reader, bytes)
    case .history: isHistory = try Envelope.readFlag("history", &reader, bytes)
    case .pos: pos = try reader.skipValue(bytes, depth: 1)
    case .payload: payload = try reader.skipValue(bytes, depth: 1)
    case .crit: fields.crit = try reader.skipValue(bytes, depth: 1)
    }
  }

  private static func readDelivery(_ reader: inout JSONReader, _ bytes: Span<UInt8>) throws(Malformed) -> Bool {
    let start = reader.index
    switch try reader.string(bytes).decoded(bytes) {
    case "reliable": return false
    case "transient": return true
    default: throw Malformed("delivery is \"reliable\" or \"transient\"", at: start)
    }
  }

  private static func readFlag(
    _ name: StaticString, _ reader: inout JSONReader, _ bytes: Span<UInt8>
  ) throws(Malformed) -> Bool {
    let range = try reader.skipValue(bytes, depth: 1)
    switch range.count {
    case 4 where bytes[range.lowerBound] == 0x74: return true
    case 5 where bytes[range.lowerBound] == 0x66: return false
    default: throw Malformed("\(name) is true or false", at: range.lowerBound)
    }
  }

  // MARK: Rules over the whole message

  private mutating func judge(_ fields: FieldSet, _ bytes: Span<UInt8>) throws(Malformed) {
    guard let typeText = fields.type else { throw Malformed("type is missing", at: 0) }
    guard let type = MessageType(typeText, bytes) else {
      throw Malformed("unknown type", at: typeText.range.lowerBound)
    }
    self.type = type
    if let event, !Envelope.isEventName(event, bytes) {
      throw Malformed("event is not a name like \"chat.send\" of at most 128 bytes", at: event.range.lowerBound)
    }
    try Envelope.judge("id", id, MaxBytes.id, bytes)
    try Envelope.judge("re", re, MaxBytes.id, bytes)
    try Envelope.judge("room", room, MaxBytes.room, bytes)
    try Envelope.judge("key", key, MaxBytes.key, bytes)
    if fields.contains(.from) || fields.contains(.pos) { try judgeMarks(bytes) }
    if seq == 0 { throw Malformed("seq begins at 1", at: 0) }
    if eventVersion == 0 { throw Malformed("ev begins at 1", at: 0) }
    if type == .event, event == nil { throw Malformed("event is missing", at: 0) }
    if type == .event || type == .hello, payload == nil { throw Malformed("payload is missing", at: 0) }
    if type == .join || type == .leave, room == nil { throw Malformed("room is missing", at: 0) }
  }

  /// What the server puts on messages: from a client it means nothing, and has its form all the same.
  private func judgeMarks(_ bytes: Span<UInt8>) throws(Malformed) {
    if let from, !from.isSessionID(bytes) { throw Malformed("from is a session id", at: from.range.lowerBound) }
    if let pos, LogPosition(bytes, pos) == nil { throw Malformed("pos is [log, offset]", at: pos.lowerBound) }
  }

  @inline(__always) private static func judge(
    _ name: StaticString, _ text: JSONText?, _ limit: Int, _ bytes: Span<UInt8>
  ) throws(Malformed) {
    guard let text else { return }
    let count = text.hasEscapes && text.mayFit(limit) ? text.decoded(bytes).utf8.count : text.range.count
    guard 1...limit ~= count else { throw Malformed("\(name) has 1 to \(limit) bytes", at: text.range.lowerBound) }
  }

  /// `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 128 bytes.
  static func isEventName(_ text: JSONText, _ bytes: Span<UInt8>) -> Bool {
    guard !text.hasEscapes else {
      guard text.mayFit(MaxBytes.event) else { return false }
      let plain = Array(text.decoded(bytes).utf8)
      return isEventName(JSONText(range: plain.indices, hasEscapes: false), plain.span)
    }
    guard 1...MaxBytes.event ~= text.range.count else { return false }
    var wasDot = true
    for place in 0..<text.range.count {
      // Proof that it is there: a text lies within its message.
      let byte = bytes[unchecked: text.range.lowerBound &+ place]
      if byte &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x5F {
        wasDot = false
      } else {
        guard byte == 0x2E, !wasDot else { return false }
        wasDot = true
      }
    }
    return !wasDot
  }

  /// No extension is defined yet, so any name in `crit` is one too many.
  private static func judgeExtensions(_ range: Range<Int>, _ bytes: Span<UInt8>) throws(Fault) {
    let list: JSONValue
    do throws(Malformed) { list = try JSONValue(parsing: bytes.extracting(range)) } catch { throw .malformed(error) }
    guard let names = list.arrayValue, names.allSatisfy({ $0.stringValue != nil }) else {
      throw .malformed(Malformed("crit is a list of names", at: range.lowerBound))
    }
    if let name = names.first?.stringValue { throw .extensionUnsupported(name) }
  }
}
