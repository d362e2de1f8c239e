/// The part of a message that is the same for every receiver, encoded once and shared: all but `v`, `seq` and `ack`,
/// which stand in front of it. PROTOCOL.md, "Envelope".
///
/// The objects are used again. Sendable without a check, and its variables are not checked for overlapping access: one is
/// filled before anybody else has it and filled anew when nobody else holds it (`Spares`); in between it is only read.
public final class SharedMessage: @unchecked Sendable {
  /// From the first key to the closing brace, for example `"type":"event","event":"chat","payload":{}}`.
  @exclusivity(unchecked) public private(set) var tail: [UInt8]
  /// Of the tail. A number of its own: its memory is not looked at when a message is acknowledged.
  @exclusivity(unchecked) public private(set) var byteCount: Int
  @exclusivity(unchecked) public private(set) var room: String?
  /// A newer unsent message with the same key takes the place of this one.
  @exclusivity(unchecked) public private(set) var key: String?
  /// Replies, and errors that answer a message, are never dropped: the sender's window bounds them.
  @exclusivity(unchecked) public private(set) var isReply: Bool
  /// It was said before its receiver came: its head says so.
  @exclusivity(unchecked) public private(set) var isHistory: Bool

  public init(tail: [UInt8], room: String? = nil, key: String? = nil, isReply: Bool = false) {
    self.tail = tail
    byteCount = tail.count
    self.room = room
    self.key = key
    self.isReply = isReply
    isHistory = false
  }

  /// The same message for those that come later. It shares its bytes; a newer one with its key does not replace it,
  /// since the history that was promised comes whole.
  init(recalling message: SharedMessage) {
    (tail, byteCount) = (message.tail, message.byteCount)
    (room, key, isReply, isHistory) = (message.room, nil, false, true)
  }

  /// Asked with each message: a look at the key would be counted.
  var hasKey: Bool { key != nil }

  /// Puts the tail, which is not counted meanwhile: `byteCount` bytes.
  @inline(__always) func putTail(_ message: inout ByteCursor) { tail.withUnsafeBytes { message.put($0) } }

  // MARK: Used again

  /// A larger one is not kept for the next message.
  static let keptByteCount = 512

  /// One to be filled.
  convenience init() { self.init(tail: []) }

  func fill(replyTo inbound: Inbound, room: String?, payload: [UInt8]) {
    isReply = true
    MessageWriter.writeReply(to: inbound, room: room, payload: payload, into: &tail)
    byteCount = tail.count
  }

  /// It says nothing any more; the memory of its tail is for the next one.
  func clear() {
    if room != nil { room = nil }
    if key != nil { key = nil }
    (isReply, isHistory) = (false, false)
  }
}
