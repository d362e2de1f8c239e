import DequeModule

/// Forms of shared messages that cost something to make, so that a broadcast makes each once and not once for each
/// receiver. What was made longest ago goes first.
package struct TailCache<Key: Hashable> {
  private let maxCount: Int
  private let maxByteCount: Int
  private var tails: [Key: [UInt8]] = [:]
  private var order: Deque<Key> = []
  private var byteCount = 0

  package init(maxCount: Int = 1_024, maxByteCount: Int = 4 << 20) {
    (self.maxCount, self.maxByteCount) = (maxCount, maxByteCount)
  }

  package subscript(key: Key) -> [UInt8]? { tails[key] }

  package mutating func insert(_ tail: [UInt8], for key: Key) {
    tails[key] = tail
    order.append(key)
    byteCount += tail.count
    while order.count > maxCount || byteCount > maxByteCount, let oldest = order.popFirst() {
      byteCount -= tails.removeValue(forKey: oldest)?.count ?? 0
    }
  }
}
