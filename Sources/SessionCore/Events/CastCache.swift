import DequeModule

/// Messages in older versions, so that a broadcast is cast once for each version and not once for each receiver. What
/// was cast longest ago goes first.
struct CastCache {
  struct Key: Hashable {
    /// Holds the message, so that no other can come to its place in memory.
    let message: SharedMessage
    let version: UInt64

    static func == (left: Key, right: Key) -> Bool { left.message === right.message && left.version == right.version }

    func hash(into hasher: inout Hasher) {
      hasher.combine(ObjectIdentifier(message))
      hasher.combine(version)
    }
  }

  static let maxCount = 1_024
  static let maxByteCount = 4 << 20

  private var tails: [Key: [UInt8]] = [:]
  private var order: Deque<Key> = []
  private var byteCount = 0

  subscript(key: Key) -> [UInt8]? { tails[key] }

  mutating func insert(_ tail: [UInt8], for key: Key) {
    tails[key] = tail
    order.append(key)
    byteCount += tail.count
    while order.count > CastCache.maxCount || byteCount > CastCache.maxByteCount, let oldest = order.popFirst() {
      byteCount -= tails.removeValue(forKey: oldest)?.count ?? 0
    }
  }
}
