extension OutputSpan<UInt8> {
  /// Appends ASCII that stands in the source.
  @inline(__always) mutating func append(literal text: StaticString) {
    text.withUTF8Buffer { append(copying: UnsafeRawBufferPointer($0)) }
  }

  /// Appends bytes as they are. There must be room for them.
  @inline(__always) mutating func append(copying source: UnsafeRawBufferPointer) {
    withUnsafeMutableBufferPointer { buffer, count in
      // The check is the proof that what is copied lies in the buffer.
      precondition(source.count <= buffer.count &- count, "no room for \(source.count) bytes")
      if let base = buffer.baseAddress, let bytes = source.baseAddress {
        UnsafeMutableRawPointer(base + count).copyMemory(from: bytes, byteCount: source.count)
      }
      count &+= source.count
    }
  }

  /// Appends a number in decimal. There must be room for 20 digits, whatever the number is.
  @inline(__always) mutating func append(decimal value: UInt64) {
    append(atMost: Decimal.maxDigitCount) { $0.put(Decimal(value)) }
  }

  /// Appends in pieces, with one look whether there is room for them.
  /// - Parameter write: puts at most `byteCount` bytes.
  @inline(__always) mutating func append(atMost byteCount: Int, _ write: (inout ByteCursor) -> Void) {
    withUnsafeMutableBufferPointer { buffer, count in
      precondition(byteCount <= buffer.count &- count, "no room for \(byteCount) bytes")
      count &+= ByteCursor.write(to: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...]), write)
    }
  }
}

/// Puts bytes where it was seen before that there is room for them (`append(atMost:)`), so it does not look again.
struct ByteCursor {
  fileprivate(set) var target: UnsafeMutableRawPointer

  /// ASCII that stands in the source.
  @inline(__always) mutating func put(_ text: StaticString) {
    target.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    target += text.utf8CodeUnitCount
  }

  @inline(__always) mutating func put(_ byte: UInt8) {
    target.storeBytes(of: byte, as: UInt8.self)
    target += 1
  }

  /// The key of an object's next member: four bytes more than its name has.
  @inline(__always) mutating func put(key name: StaticString) {
    put(",\"")
    put(name)
    put("\":")
  }

  /// 16 lower-case hex digits.
  mutating func put(hex number: UInt64) {
    for half in [number &>> 32, number & 0xFFFF_FFFF] {
      // Side by side in one word: two pieces of four digits, four of two, eight digits.
      let quarters = (half | half &<< 16) & 0x0000_FFFF_0000_FFFF
      let pairs = (quarters | quarters &<< 8) & 0x00FF_00FF_00FF_00FF
      let digits = (pairs | pairs &<< 4) & 0x0F0F_0F0F_0F0F_0F0F
      // A digit from 10 on is a letter, which stands 39 behind where the next decimal digit would.
      let letters = (digits &+ 0x0606_0606_0606_0606) &>> 4 & 0x0101_0101_0101_0101
      target.storeBytes(of: (digits &+ 0x3030_3030_3030_3030 &+ letters &* 39).bigEndian, as: UInt64.self)
      target += 8
    }
  }

  @inline(__always) mutating func put(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    target.copyMemory(from: source, byteCount: bytes.count)
    target += bytes.count
  }

  /// The same for what is mostly short.
  @inline(__always) mutating func put(short bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    copyShort(source, to: target, byteCount: bytes.count)
    target += bytes.count
  }

  /// Bytes behind what was put, which `skip` makes of it.
  @inline(__always) func set(_ bytes: SIMD16<UInt8>, at place: Int) {
    target.storeBytes(of: bytes, toByteOffset: place, as: SIMD16<UInt8>.self)
  }

  /// Zeros, for what is written later. There must be room for sixteen: behind fewer, zeros are in the place of what is put next.
  @inline(__always) mutating func put(zeros count: Int) {
    if count <= 16 { set(SIMD16(), at: 0) } else { target.initializeMemory(as: UInt8.self, repeating: 0, count: count) }
    target += count
  }

  @inline(__always) mutating func skip(_ byteCount: Int) { target += byteCount }

  /// Writes into memory, and tells how many bytes.
  /// - Parameter write: puts no more than there is room for.
  @inline(__always) static func write(
    to bytes: UnsafeMutableRawBufferPointer, _ write: (inout ByteCursor) -> Void
  ) -> Int {
    guard let start = bytes.baseAddress else { return 0 }
    var cursor = ByteCursor(target: start)
    write(&cursor)
    return cursor.target - start
  }

  /// What is written, as a text.
  /// - Parameter write: puts at most `byteCount` bytes, which are UTF-8.
  static func text(atMost byteCount: Int, _ write: (inout ByteCursor) -> Void) -> String {
    String(unsafeUninitializedCapacity: byteCount) { ByteCursor.write(to: UnsafeMutableRawBufferPointer($0), write) }
  }

  /// At most 20 digits; there must be room for so many.
  @inline(__always) mutating func put(_ number: Decimal) {
    if number.isShort {
      // Of the word, what is behind the digits is in the place of what is put next.
      target.storeBytes(of: number.word.littleEndian, as: UInt64.self)
    } else {
      number.writeLong(to: target)
    }
    target += number.digitCount
  }
}

/// Copies what is mostly at most 64 bytes, which then takes no call: as pieces that may overlap.
/// - Parameter target: not within what is copied.
@inline(__always) private func copyShort(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, byteCount: Int) {
  @inline(__always) func copy<Piece>(as piece: Piece.Type) {
    let last = byteCount &- MemoryLayout<Piece>.size
    let pieces = (source.loadUnaligned(as: piece), source.loadUnaligned(fromByteOffset: last, as: piece))
    target.storeBytes(of: pieces.0, as: piece)
    target.storeBytes(of: pieces.1, toByteOffset: last, as: piece)
  }
  switch byteCount {
  case 1, 2, 3: for place in 0..<byteCount { target.storeBytes(of: source.load(fromByteOffset: place, as: UInt8.self), toByteOffset: place, as: UInt8.self) }
  case 4..<8: copy(as: UInt32.self)
  case 8..<16: copy(as: UInt64.self)
  case 16...32: copy(as: SIMD16<UInt8>.self)
  case 33...64: copy(as: SIMD32<UInt8>.self)
  default: target.copyMemory(from: source, byteCount: byteCount)
  }
}

/// A number as decimal digits.
struct Decimal {
  /// Of 2^64-1.
  static let maxDigitCount = 20

  let value: UInt64
  let digitCount: Int
  /// Of a number below 10^8, its digits in ASCII, the first one lowest, and zeros behind them.
  fileprivate let word: UInt64

  @inline(__always) fileprivate var isShort: Bool { value < 100_000_000 }

  @inline(__always) init(_ value: UInt64) {
    self = value < 10 ? Decimal(value: value, digitCount: 1, word: value | 0x30) : Decimal.long(value)
  }

  private init(value: UInt64, digitCount: Int, word: UInt64) {
    (self.value, self.digitCount, self.word) = (value, digitCount, word)
  }

  /// Of more than one digit. Not put into its callers, so that its code is in the processor's cache once.
  @inline(never) private static func long(_ value: UInt64) -> Decimal {
    guard value < 100_000_000 else { return Decimal(value: value, digitCount: longDigitCount(value), word: 0) }
    // Side by side in one word: two halves of four digits, four pairs, eight digits. The divisions are multiplications
    // that are exact for so few digits.
    let high = value / 10_000
    let halves = high | (value &- high &* 10_000) &<< 32
    let hundreds = (halves &* 10_486) &>> 20 & 0x0000_007F_0000_007F
    let pairs = hundreds | (halves &- hundreds &* 100) &<< 16
    let tens = (pairs &* 103) &>> 10 & 0x000F_000F_000F_000F
    let digits = tens | (pairs &- tens &* 10) &<< 8
    let zeroCount = digits.trailingZeroBitCount &>> 3
    return Decimal(
      value: value, digitCount: 8 &- zeroCount,
      word: digits &>> UInt64(truncatingIfNeeded: zeroCount &* 8) | 0x3030_3030_3030_3030)
  }

  var text: String {
    // A word for a short one, so that the text lies in the string itself.
    ByteCursor.text(atMost: isShort ? 8 : Decimal.maxDigitCount) { $0.put(self) }
  }

  @inline(never) private static func longDigitCount(_ value: UInt64) -> Int {
    var (rest, count) = (value, 0)
    while rest > 0 { (rest, count) = (rest / 10, count + 1) }
    return count
  }

  /// Writes `digitCount` digits.
  @inline(never) fileprivate func writeLong(to target: UnsafeMutableRawPointer) {
    var rest = value
    for place in (0..<digitCount).reversed() {
      target.storeBytes(of: UInt8(truncatingIfNeeded: rest % 10) + 0x30, toByteOffset: place, as: UInt8.self)
      rest /= 10
    }
  }
}

extension [UInt8] {
  /// Appends bytes in one piece: for what is short, a fraction of what `append(contentsOf:)` costs.
  @inline(__always) mutating func append(copying source: UnsafeRawBufferPointer) {
    append(addingCapacity: source.count) { (target: inout OutputSpan<UInt8>) in target.append(copying: source) }
  }

  mutating func append(_ bytes: Span<UInt8>) { bytes.withUnsafeBytes { append(copying: $0) } }

  /// Becomes a copy of `bytes`, in the memory that is there if it can.
  mutating func assign(_ bytes: Span<UInt8>) {
    guard count == bytes.count else {
      removeAll(keepingCapacity: true)
      return append(bytes)
    }
    // As long as what was there, as most messages are: its place is taken, which costs less than an emptying.
    withUnsafeMutableBytes { target in
      bytes.withUnsafeBytes { source in
        guard let base = target.baseAddress, let start = source.baseAddress else { return }
        copyShort(start, to: base, byteCount: source.count)
      }
    }
  }

  /// Becomes what is written, which is `byteCount` bytes, in the memory that is there if it can.
  @inline(__always) mutating func assign(byteCount: Int, _ write: (inout OutputSpan<UInt8>) -> Void) {
    guard count == byteCount else {
      removeAll(keepingCapacity: true)
      return append(addingCapacity: byteCount, initializingWith: write)
    }
    withUnsafeMutableBufferPointer { buffer in
      var span = OutputSpan(buffer: buffer, initializedCount: 0)
      write(&span)
      // What was there is initialized, so all of the array is, however much was written.
      let written = span.finalize(for: buffer)
      precondition(written == byteCount, "not as many bytes as were said")
    }
  }

  /// Appends ASCII that stands in the source.
  mutating func append(literal text: StaticString) {
    text.withUTF8Buffer { append(copying: UnsafeRawBufferPointer($0)) }
  }

  /// Appends `text` as a JSON string, quotes included: RFC 8259 section 7 asks for `"`, `\` and controls to be escaped.
  mutating func append(json text: String) {
    append(addingCapacity: text.jsonByteCount) { (target: inout OutputSpan<UInt8>) in target.append(json: text) }
  }
}

private func hexDigit(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x61 + digit - 10 }

extension String {
  /// Bytes of the text as a JSON string, quotes included.
  var jsonByteCount: Int {
    var text = self
    return text.withUTF8 { bytes in
      var count = bytes.count &+ 2
      for byte in bytes where isEscaped(byte) { count &+= escapedByteCount(byte) &- 1 }
      return count
    }
  }
}

private func isEscaped(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5C }

private func escapedByteCount(_ byte: UInt8) -> Int {
  switch byte {
  case 0x22, 0x5C, 0x0A, 0x0D, 0x09: 2
  default: 6
  }
}

extension OutputSpan<UInt8> {
  /// Appends `text` as a JSON string: `jsonByteCount` bytes.
  mutating func append(json text: String) {
    append(0x22)
    var text = text
    text.withUTF8 { bytes in
      // What needs no escape goes in one piece.
      var start = 0
      for index in bytes.indices where isEscaped(bytes[index]) {
        append(copying: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start..<index])))
        append(escaped: bytes[index])
        start = index + 1
      }
      append(copying: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start...])))
    }
    append(0x22)
  }

  private mutating func append(escaped byte: UInt8) {
    append(0x5C)
    switch byte {
    case 0x22, 0x5C: append(byte)
    case 0x0A: append(0x6E)
    case 0x0D: append(0x72)
    case 0x09: append(0x74)
    default:
      append(literal: "u00")
      append(hexDigit(byte >> 4))
      append(hexDigit(byte & 15))
    }
  }
}
