/// The XOR mask of RFC 6455 section 5.3.
public enum Masking {
  /// Masks or unmasks `bytes` where they lie. `phase` is the position of the first byte within its frame's
  /// payload, modulo 4, so that a frame may be unmasked piece by piece. `key` holds the four key bytes in wire
  /// order, first byte lowest.
  public static func apply(_ key: UInt32, phase: Int, to bytes: UnsafeMutableRawBufferPointer) {
    let turned = rotate(key, by: phase)
    let wide = UInt64(turned) | UInt64(turned) << 32
    var index = 0
    let count = bytes.count
    while index &+ 8 <= count {
      let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      bytes.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
      index &+= 8
    }
    while index < count {
      bytes[index] ^= UInt8(truncatingIfNeeded: turned &>> UInt32((index & 3) &* 8))
      index &+= 1
    }
  }

  private static func rotate(_ key: UInt32, by phase: Int) -> UInt32 {
    let shift = UInt32((phase & 3) &* 8)
    return shift == 0 ? key : key &>> shift | key &<< (32 &- shift)
  }
}
