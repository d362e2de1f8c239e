/// Reads a message in words. A pointer, since the checks of a span would cost as much as the reading. Proof that nothing
/// outside of the message is read: a word is loaded at `index` only if `index` is at most `count - 8`, else the last word
/// of the message is, and there is one; `index` only moves over bytes that were in a word and not behind the end.
struct WordReader {
  static let leastByteCount = 8

  private let base: UnsafeRawPointer
  private let count: Int
  private(set) var index = 0
  /// Bits are set once a byte outside ASCII was passed.
  private(set) var nonASCII: UInt64 = 0

  /// - Precondition: `text` has `leastByteCount` bytes and outlives the reader.
  @inline(__always) init(_ text: UnsafeRawBufferPointer) {
    precondition(text.count >= WordReader.leastByteCount)
    // There is one, since there are bytes.
    base = text.baseAddress.unsafelyUnwrapped
    count = text.count
  }

  /// The eight bytes at `index`, the first one lowest; zeros stand for those behind the end.
  @inline(__always) var word: UInt64 {
    let last = count &- 8
    if index <= last { return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) }
    return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: last, as: UInt64.self)) >> UInt64(truncatingIfNeeded: (index &- last) &* 8)
  }

  /// Whether all was taken.
  @inline(__always) var isAtEnd: Bool { index == count }

  /// Takes bytes if they are those of `range` in `text`, else nothing.
  /// - Precondition: `range` lies in `text`, with eight more bytes behind it.
  @inline(__always) mutating func take(_ text: UnsafeRawPointer, _ range: Range<Int>) -> Bool {
    guard range.count <= count &- index else { return false }
    let other = text + range.lowerBound
    guard range.count >= 8 else {
      let difference = word ^ UInt64(littleEndian: other.loadUnaligned(as: UInt64.self))
      guard range.isEmpty || difference &<< UInt64(truncatingIfNeeded: 64 &- range.count &* 8) == 0 else { return false }
      index &+= range.count
      return true
    }
    // Whole words; the last one ends with the range.
    let (own, last) = (base + index, range.count &- 8)
    var place = 0
    while place < last {
      guard isSame(own, other, at: place) else { return false }
      place &+= 8
    }
    guard isSame(own, other, at: last) else { return false }
    index &+= range.count
    return true
  }

  @inline(__always) private func isSame(_ one: UnsafeRawPointer, _ other: UnsafeRawPointer, at place: Int) -> Bool {
    one.loadUnaligned(fromByteOffset: place, as: UInt64.self) == other.loadUnaligned(fromByteOffset: place, as: UInt64.self)
  }

  @inline(__always) mutating func skipBlanks() {
    var word = word
    while UInt8(truncatingIfNeeded: word) == 0x20 {
      let count = (word ^ (JSONReader.ones &* 0x20)).trailingZeroBitCount &>> 3
      index &+= count
      guard count == 8 else { return }
      word = self.word
    }
  }

  /// A whole number of one to seven plain digits, no zero in front. Nil, with nothing taken, for anything else.
  @inline(__always) mutating func number() -> UInt64? {
    let digits = word ^ (JSONReader.ones &* 0x30)
    let length = JSONReader.markCount(JSONReader.nonDigitMarks(digits))
    guard 1...7 ~= length, digits & 0xFF != 0 || length == 1 else { return nil }
    index &+= length
    return JSONReader.number(ofDigits: digits &<< UInt64(truncatingIfNeeded: 64 &- length &* 8))
  }

  /// A string without escapes. Nil, with nothing taken, for anything else.
  @inline(__always) mutating func text() -> JSONText? {
    let quote = index
    guard UInt8(truncatingIfNeeded: word) == 0x22 else { return nil }
    index &+= 1
    while true {
      let word = word
      let length = JSONReader.plainCount(word)
      index &+= length
      if length == 8 {
        nonASCII |= word & JSONReader.tops
        continue
      }
      let shift = UInt64(truncatingIfNeeded: length &* 8)
      nonASCII |= word & JSONReader.tops & ((1 &<< shift) &- 1)
      guard UInt8(truncatingIfNeeded: word &>> shift) == 0x22 else { break }
      index &+= 1
      return JSONText(start: quote &+ 1, end: index &- 1)
    }
    index = quote
    return nil
  }

  /// A value of any kind, that of a message's member.
  @inline(__always) mutating func value(_ bytes: Span<UInt8>) -> Range<Int>? {
    if let text = text() { return text.range.lowerBound &- 1..<text.range.upperBound &+ 1 }
    var reader = JSONReader(at: index)
    guard let range = try? reader.skipValue(bytes, depth: 1) else { return nil }
    index = reader.index
    if reader.sawNonASCII { nonASCII = JSONReader.tops }
    return range
  }
}
