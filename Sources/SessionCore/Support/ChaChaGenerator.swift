/// A cryptographic random generator whose every bit follows from its seed: ChaCha20 (RFC 8439 section 2.3) as a stream.
/// The server seeds it from the operating system, the simulator from its run's seed; the core itself has no chance in it.
public struct ChaChaGenerator: RandomNumberGenerator, Sendable {
  private var state: [UInt32]
  private var block: [UInt32] = []
  private var used = 16

  /// Eight words of 32 bits: 256 random bits.
  public init(seed: [UInt32]) {
    precondition(seed.count == 8, "the seed has 256 bits")
    state = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574] + seed + [0, 0, 0, 0]
  }

  /// A generator for tests and simulations.
  public init(seed: UInt64) {
    self.init(seed: [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32), 0, 0, 0, 0, 0, 0])
  }

  public mutating func next() -> UInt64 { UInt64(word()) | UInt64(word()) << 32 }

  /// `count` random bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      let value = next()
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  private mutating func word() -> UInt32 {
    if used == 16 { refill() }
    used += 1
    return block[used - 1]
  }

  private mutating func refill() {
    var x = state
    for _ in 0..<10 {
      for (a, b, c, d) in [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)] { quarter(&x, a, b, c, d) }
      for (a, b, c, d) in [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)] { quarter(&x, a, b, c, d) }
    }
    block = zip(x, state).map { $0 &+ $1 }
    used = 0
    state[12] &+= 1
    if state[12] == 0 { state[13] &+= 1 }
  }

  private func quarter(_ x: inout [UInt32], _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
    x[a] &+= x[b]
    x[d] = turn(x[d] ^ x[a], 16)
    x[c] &+= x[d]
    x[b] = turn(x[b] ^ x[c], 12)
    x[a] &+= x[b]
    x[d] = turn(x[d] ^ x[a], 8)
    x[c] &+= x[d]
    x[b] = turn(x[b] ^ x[c], 7)
  }

  private func turn(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
}
