/// The payload of `hello`, read: PROTOCOL.md, "hello".
struct Hello: Sendable {
  struct Resume: Sendable {
    var sid: SessionID?
    var tokenDigest: [UInt8]
    var epoch: UInt64?
    var ack: UInt64
    /// Whether `epoch` and `ack` were given: version 1 has no use for them.
    var isNumbered: Bool
    var firstUnacked: UInt64?
    /// The last position that the client saw in each room.
    var positions: NameMap<LogPosition>
  }

  var versions: [UInt64]
  var scheme = "none"
  var credential: Secret?
  var instance: String?
  var window: Window?
  var ttlMilliseconds: UInt64?
  var resume: Resume?
  /// The newest version that the client understands of each event that it names.
  var events: [String: UInt64] = [:]

  static let maxInstanceByteCount = 128
  static let maxCredentialByteCount = 8_192
  static let maxVersionCount = 16
  static let maxEventCount = 128

  struct Fault: Error {
    var message: String
  }

  /// - Parameter maxByteCount: it is kept until it is decided upon, and nobody knows yet who sent it.
  init(_ envelope: Envelope, _ bytes: Span<UInt8>, maxByteCount: Int) throws(Fault) {
    guard bytes.count <= maxByteCount else { throw Fault(message: "hello has at most \(maxByteCount) bytes") }
    let payload: JSONValue
    do throws(Malformed) {
      payload = try Shard.payload(envelope, bytes)
    } catch {
      throw Fault(message: "\(error.reason), at byte \(error.offset) of the payload")
    }
    try self.init(payload)
  }

  init(_ payload: JSONValue) throws(Fault) {
    guard payload.isObject else { throw Fault(message: "the payload of hello is an object") }
    guard let versions = payload["versions"]?.arrayValue, 1...Hello.maxVersionCount ~= versions.count else {
      throw Fault(message: "versions is missing: a list such as [2], of at most \(Hello.maxVersionCount)")
    }
    self.versions = versions.compactMap(\.unsignedValue)
    guard self.versions.count == versions.count else { throw Fault(message: "versions is a list of whole numbers") }
    if let auth = payload["auth"], auth != .null { try readAuth(auth) }
    instance = try Hello.text(payload, "instance", maxByteCount: Hello.maxInstanceByteCount)
    if instance?.isEmpty == true { throw Fault(message: "instance is not empty") }
    ttlMilliseconds = try Hello.number(payload, "ttl_ms")
    if let window = payload["window"], window != .null { try readWindow(window) }
    if let events = payload["events"], events != .null { try readEvents(events) }
    if let resume = payload["resume"], resume != .null { try readResume(resume) }
  }

  private mutating func readAuth(_ auth: JSONValue) throws(Fault) {
    guard auth.isObject else { throw Fault(message: "auth is an object {scheme, credential}") }
    guard let scheme = try Hello.text(auth, "scheme", maxByteCount: 64), !scheme.isEmpty else {
      throw Fault(message: "auth.scheme is missing")
    }
    self.scheme = scheme
    credential = try Hello.text(auth, "credential", maxByteCount: Hello.maxCredentialByteCount).map(Secret.init)
  }

  private mutating func readWindow(_ value: JSONValue) throws(Fault) {
    guard value.isObject else { throw Fault(message: "window is an object {messages, bytes}") }
    var window = Window()
    if let messages = try Hello.number(value, "messages") { window.messageCount = Int(messages) }
    if let bytes = try Hello.number(value, "bytes") { window.byteCount = Int(bytes) }
    guard window.messageCount > 0, window.byteCount > 0 else { throw Fault(message: "window begins at 1") }
    self.window = window
  }

  private mutating func readEvents(_ value: JSONValue) throws(Fault) {
    guard case .object(let members) = value, members.count <= Hello.maxEventCount else {
      throw Fault(message: "events is an object of at most \(Hello.maxEventCount) events and versions")
    }
    for member in members {
      guard EventName.isValid(member.key), let version = member.value.unsignedValue, version > 0 else {
        throw Fault(message: "a member of events is an event's name and a version from 1 to 2^53-1")
      }
      events[member.key] = version
    }
  }

  private mutating func readResume(_ value: JSONValue) throws(Fault) {
    guard value.isObject else { throw Fault(message: "resume is an object {sid, token, epoch, ack}") }
    guard let sid = try Hello.text(value, "sid", maxByteCount: 128),
      let token = try Hello.text(value, "token", maxByteCount: 128)
    else { throw Fault(message: "resume needs sid and token") }
    let epochText = try Hello.text(value, "epoch", maxByteCount: 128)
    let epoch = epochText.flatMap(parseHexDigits)
    guard epochText == nil || epoch != nil else { throw Fault(message: "epoch is 16 lower-case hex digits") }
    let firstUnacked = try Hello.number(value, "first_unacked")
    guard firstUnacked != 0 else { throw Fault(message: "first_unacked begins at 1") }
    let ack = try Hello.number(value, "ack")
    let positions = try Hello.positions(value["pos"] ?? .null)
    resume = Resume(
      sid: SessionID(sid), tokenDigest: SHA256.digest(Array(token.utf8)), epoch: epoch, ack: ack ?? 0,
      isNumbered: epoch != nil && ack != nil, firstUnacked: firstUnacked,
      positions: positions)
  }

  private static func positions(_ value: JSONValue) throws(Fault) -> NameMap<LogPosition> {
    if value == .null { return NameMap() }
    let fault = Fault(message: "resume.pos is an object of room and [log, offset]")
    guard case .object(let members) = value else { throw fault }
    var positions = NameMap<LogPosition>()
    for member in members {
      guard let position = LogPosition(member.value), member.key.utf8.count <= Envelope.MaxBytes.room else { throw fault }
      positions[member.key] = position
    }
    return positions
  }

  private static func text(_ value: JSONValue, _ key: String, maxByteCount: Int) throws(Fault) -> String? {
    guard let member = value[key], member != .null else { return nil }
    guard let text = member.stringValue, text.utf8.count <= maxByteCount else {
      throw Fault(message: "\(key) is a text of at most \(maxByteCount) bytes")
    }
    return text
  }

  private static func number(_ value: JSONValue, _ key: String) throws(Fault) -> UInt64? {
    guard let member = value[key], member != .null else { return nil }
    guard let number = member.unsignedValue else { throw Fault(message: "\(key) is a whole number from 0 to 2^53-1") }
    return number
  }
}
