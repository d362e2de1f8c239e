/// The part of a message that is the same for every receiver, encoded once and shared: all but `v`, `seq` and `ack`,
/// which stand in front of it. PROTOCOL.md, "Envelope".
public final class SharedMessage: Sendable {
  /// From the first key to the closing brace, for example `"type":"event","event":"chat","payload":{}}`.
  public let tail: [UInt8]
  public let room: String?
  /// A newer unsent message with the same key takes the place of this one.
  public let key: String?
  /// Replies, and errors that answer a message, are never dropped: the sender's window bounds them.
  public let isReply: Bool
  /// It was said before its receiver came: its head says so.
  public let isHistory: Bool

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
}
