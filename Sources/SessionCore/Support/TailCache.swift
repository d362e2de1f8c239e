import DequeModule

/// Forms of shared messages that cost something to make, so that a broadcast makes each once and not once for each
/// receiver. What was made longest ago goes first.
package struct TailCache<Key: Hashable> {
  private let maxCount: Int
  private let maxByteCount: Int
  private var tails: [Key: [UInt8]] = [:]
  private var order: Deque<(key: Key, byteCount: Int)> = []
  private var byteCount = 0

  package init(maxCount: Int = 1_024, maxByteCount: Int = 4 << 20) {
    (self.maxCount, self.maxByteCount) = (maxCount, maxByteCount)
  }

  package subscript(key: Key) -> [UInt8]? { tails[key] }

  package var count: Int { tails.count }

  /// - Parameter keyByteCount: what the key holds in memory for as long as it is kept.
  package mutating func insert(_ tail: [UInt8], for key: Key, keyByteCount: Int = 0) {
    tails[key] = tail
    order.append((key, tail.count + keyByteCount))
    byteCount += tail.count + keyByteCount
    while order.count > maxCount || byteCount > maxByteCount, let oldest = order.popFirst() {
      tails[oldest.key] = nil
      byteCount -= oldest.byteCount
    }
  }

  /// Forgets all of them, and keeps no room for others.
  package mutating func removeAll() { (tails, order, byteCount) = ([:], [], 0) }
}
