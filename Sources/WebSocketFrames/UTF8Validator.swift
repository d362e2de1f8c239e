/// Checks UTF-8 as it arrives, so that a bad byte is refused when it is seen and not when the message ends
/// (RFC 6455 section 8.1; the well-formed table is Unicode 15, table 3-7).
public struct UTF8Validator: Sendable {
  /// Continuation bytes still owed by the sequence that is open.
  private var owed: UInt8 = 0
  /// The range the next continuation byte must lie in; only the first after the lead is narrower than 80...BF.
  private var lowest: UInt8 = 0x80
  private var highest: UInt8 = 0xBF

  public init() {}

  /// True when no sequence is open: a message may end only here.
  @inlinable public var isComplete: Bool { isAtBoundary }
  @usableFromInline var isAtBoundary: Bool { owed == 0 }

  /// Takes `bytes` in; false at the first byte that cannot be part of well-formed UTF-8.
  public mutating func consume(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    let count = bytes.count
    while index < count {
      if owed == 0 {
        index = UTF8Validator.endOfText(bytes, from: index)
        if index == count { return true }
        guard open(bytes[index]) else { return false }
      } else {
        guard proceed(bytes[index]) else { return false }
      }
      index += 1
    }
    return true
  }

  /// Whether `bytes` are one well-formed text, complete in itself.
  public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var validator = UTF8Validator()
    return validator.consume(bytes) && validator.isAtBoundary
  }

  /// The end of the well-formed sequences that begin at `start`, as far as a word can be read at each: eight bytes at a time
  /// while all are ASCII, and a whole sequence in one comparison of its marks. What is left, three bytes at the end of
  /// the input or what is ill-formed, is for the single steps.
  private static func endOfText(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    guard let base = bytes.baseAddress else { return start }
    var index = start
    while index &+ 8 <= bytes.count {
      let tops = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) & 0x8080_8080_8080_8080
      guard tops != 0 else {
        index &+= 8
        continue
      }
      index &+= tops.trailingZeroBitCount &>> 3
      // What is not ASCII mostly stands among its like.
      while index &+ 4 <= bytes.count {
        let byteCount = sequenceByteCount(UInt32(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt32.self)))
        guard byteCount > 1 else {
          if byteCount == 0 { return index }
          break
        }
        index &+= byteCount
      }
    }
    while index < bytes.count, bytes[index] < 0x80 { index &+= 1 }
    return index
  }

  /// The length of the well-formed sequence that a word begins with, its first byte lowest; 0 if there is none.
  @inline(__always) private static func sequenceByteCount(_ word: UInt32) -> Int {
    // Three bytes, as most that are not ASCII: no overlong form (E0 80...9F), no surrogate (ED A0...BF).
    if word & 0x00C0_C0F0 == 0x0080_80E0 {
      let start = word & 0x200F
      return start != 0 && start != 0x200D ? 3 : 0
    }
    // Two: no overlong form (C0, C1).
    if word & 0xC0E0 == 0x80C0 { return word & 0x1E != 0 ? 2 : 0 }
    // Four: no overlong form (F0 80...8F), nothing above U+10FFFF (F4 90... and F5...).
    if word & 0xC0C0_C0F8 == 0x8080_80F0 {
      let start = word & 0x3007
      return start != 0 && (start & 0x04 == 0 || start == 0x04) ? 4 : 0
    }
    return word & 0x80 == 0 ? 1 : 0
  }

  private mutating func open(_ lead: UInt8) -> Bool {
    lowest = 0x80
    highest = 0xBF
    switch lead {
    case 0xC2...0xDF: owed = 1
    case 0xE0: (owed, lowest) = (2, 0xA0)  // no overlong form
    case 0xE1...0xEC, 0xEE...0xEF: owed = 2
    case 0xED: (owed, highest) = (2, 0x9F)  // no surrogate
    case 0xF0: (owed, lowest) = (3, 0x90)  // no overlong form
    case 0xF1...0xF3: owed = 3
    case 0xF4: (owed, highest) = (3, 0x8F)  // nothing above U+10FFFF
    default: return false
    }
    return true
  }

  private mutating func proceed(_ byte: UInt8) -> Bool {
    guard byte >= lowest, byte <= highest else { return false }
    lowest = 0x80
    highest = 0xBF
    owed -= 1
    return true
  }
}
