/// The part of a message that is the same for every receiver, encoded once and shared: all but `v`, `seq` and `ack`,
/// which stand in front of it. PROTOCOL.md, "Envelope".
///
/// The objects are used again. Sendable without a check, and its variables are not checked for overlapping access: one is
/// filled before anybody else has it and filled anew when nobody else holds it (`Spares`); in between it is only read.
public final class SharedMessage: @unchecked Sendable {
  /// From the first key to the closing brace, for example `"type":"event","event":"chat","payload":{}}`.
  @exclusivity(unchecked) public private(set) var tail: [UInt8]
  @exclusivity(unchecked) public private(set) var room: String?
  /// A newer unsent message with the same key takes the place of this one.
  @exclusivity(unchecked) public private(set) var key: String?
  /// Replies, and errors that answer a message, are never dropped: the sender's window bounds them.
  @exclusivity(unchecked) public private(set) var isReply: Bool
  /// It was said before its receiver came: its head says so.
  @exclusivity(unchecked) public private(set) var isHistory: Bool

  public init(tail: [UInt8], room: String? = nil, key: String? = nil, isReply: Bool = false) {
    self.tail = tail
    self.room = room
    self.key = key
    self.isReply = isReply
    isHistory = false
  }

  /// The same message for those that come later. It shares its bytes; a newer one with its key does not replace it,
  /// since the history that was promised comes whole.
  init(recalling message: SharedMessage) {
    (tail, room, key, isReply, isHistory) = (message.tail, message.room, nil, false, true)
  }

  public var byteCount: Int { tail.count }

  // MARK: Used again

  /// A larger one is not kept for the next message.
  static let keptByteCount = 512

  /// One to be filled.
  convenience init() { self.init(tail: []) }

  func fill(replyTo inbound: Inbound, room: String?, payload: [UInt8]) {
    isReply = true
    MessageWriter.appendReply(
      re: inbound.hasID ? inbound.idJSON : nil, room: room, payload: payload, to: &tail)
  }

  /// It says nothing any more.
  func clear() {
    (room, key, isReply, isHistory) = (nil, nil, false, false)
    tail.removeAll(keepingCapacity: true)
  }
}
