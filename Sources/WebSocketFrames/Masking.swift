/// The XOR mask of RFC 6455 section 5.3.
public enum Masking {
  /// Masks or unmasks `bytes` where they lie. `phase` is the position of the first byte within its frame's
  /// payload, modulo 4, so that a frame may be unmasked piece by piece. `key` holds the four key bytes in wire
  /// order, first byte lowest.
  /// - Returns: whether all that it made is ASCII, which is seen on the way.
  @discardableResult
  public static func apply(_ key: UInt32, phase: Int, to bytes: UnsafeMutableRawBufferPointer) -> Bool {
    let turned = rotate(key, by: phase)
    let word = UInt64(turned) | UInt64(turned) << 32
    let count = bytes.count
    var (index, seen) = (0, UInt64(0))
    if count >= 64 { seen = applyWide(word, bytes, &index) }
    while index &+ 8 <= count { seen |= step(word, bytes, &index) }
    // Up to seven bytes are left, the first of them under the key's first byte.
    if count & 4 != 0 { seen |= UInt64(step(turned, bytes, &index)) }
    if count & 2 != 0 { seen |= UInt64(step(UInt16(truncatingIfNeeded: turned), bytes, &index)) }
    if count & 1 != 0 {
      seen |= UInt64(step(UInt8(truncatingIfNeeded: count & 2 == 0 ? turned : turned &>> 16), bytes, &index))
    }
    return seen & 0x8080_8080_8080_8080 == 0
  }

  private typealias Wide = SIMD8<UInt64>

  /// 64 bytes at a time, as long as there are so many. Returns all of what it made, one upon the other.
  @inline(__always) private static func applyWide(
    _ word: UInt64, _ bytes: UnsafeMutableRawBufferPointer, _ index: inout Int
  ) -> UInt64 {
    let key = Wide(repeating: word)
    var seen = Wide.zero
    while index &+ 64 <= bytes.count {
      let plain = bytes.loadUnaligned(fromByteOffset: index, as: Wide.self) ^ key
      bytes.storeBytes(of: plain, toByteOffset: index, as: Wide.self)
      seen |= plain
      index &+= 64
    }
    let half = seen.lowHalf | seen.highHalf
    let quarter = half.lowHalf | half.highHalf
    return quarter.x | quarter.y
  }

  @inline(__always) private static func step<Word: FixedWidthInteger & BitwiseCopyable>(
    _ key: Word, _ bytes: UnsafeMutableRawBufferPointer, _ index: inout Int
  ) -> Word {
    let plain = bytes.loadUnaligned(fromByteOffset: index, as: Word.self) ^ key
    bytes.storeBytes(of: plain, toByteOffset: index, as: Word.self)
    index &+= Word.bitWidth / 8
    return plain
  }

  private static func rotate(_ key: UInt32, by phase: Int) -> UInt32 {
    let shift = UInt32((phase & 3) &* 8)
    return shift == 0 ? key : key &>> shift | key &<< (32 &- shift)
  }
}
