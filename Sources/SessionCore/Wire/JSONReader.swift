/// Why bytes are not what they should be, and where.
public struct Malformed: Error, Equatable, Sendable {
  /// A sentence for the peer, for example `"expected ',' or '}'"`.
  public var reason: String
  /// Position of the byte in the message.
  public var offset: Int

  public init(_ reason: String, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }
}

/// A strict single-pass reader of JSON (RFC 8259): it walks, and copies nothing. Every method takes the bytes again,
/// since a span may be lent but not kept. `index` is never negative and only moves on: where a byte is read `unchecked`,
/// that it is below `bytes.count` was seen right before.
struct JSONReader {
  /// Deepest nesting of arrays and objects, the outermost counted; one bit each in `skipValue`'s stack.
  static let maxDepth = 64
  /// Longest text, so that a place in it takes 31 bits (`MessagePlace`).
  static let maxByteCount = Int(Int32.max)

  var index = 0
  /// Set once a byte outside ASCII was passed: only then is there UTF-8 to be checked.
  var sawNonASCII: Bool { nonASCII != 0 }
  private var nonASCII: UInt64 = 0

  typealias Bytes = Span<UInt8>

  init(at index: Int = 0) { self.index = index }

  @inline(never) func fail(_ reason: String) -> Malformed { Malformed(reason, at: index) }

  @inline(__always) mutating func skipSpace(_ bytes: Bytes) {
    // Most messages have none.
    while index < bytes.count {
      let byte = bytes[unchecked: index]
      guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      index &+= 1
    }
  }

  /// The next byte that is not white space, without taking it.
  @inline(__always) mutating func peek(_ bytes: Bytes) throws(Malformed) -> UInt8 {
    skipSpace(bytes)
    guard index < bytes.count else { throw fail("ends too early") }
    return bytes[unchecked: index]
  }

  @inline(__always) mutating func expect(_ byte: UInt8, _ bytes: Bytes) throws(Malformed) {
    guard try peek(bytes) == byte else { throw missing(byte) }
    index &+= 1
  }

  @inline(never) private func missing(_ byte: UInt8) -> Malformed {
    fail("expected '\(Character(UnicodeScalar(byte)))'")
  }

  /// Nothing but white space may be left.
  mutating func expectEnd(_ bytes: Bytes) throws(Malformed) {
    skipSpace(bytes)
    guard index == bytes.count else { throw fail("bytes behind the value") }
  }

  // MARK: Words

  static var ones: UInt64 { 0x0101_0101_0101_0101 }
  static var tops: UInt64 { 0x8080_8080_8080_8080 }

  /// Marks with its top bit the first of eight bytes that is `byte`; behind it there may be marks that mean nothing, since
  /// a borrow runs towards the later bytes.
  @inline(__always) private static func equalBytes(_ word: UInt64, _ byte: UInt64) -> UInt64 {
    let difference = word ^ (ones &* byte)
    return (difference &- ones) & ~difference & tops
  }

  /// Bytes in front of the first mark, eight if there is none.
  @inline(__always) static func markCount(_ marks: UInt64) -> Int { marks.trailingZeroBitCount &>> 3 }

  /// How many of eight bytes, from the first on, are neither a quote nor an escape nor a control character.
  @inline(__always) static func plainCount(_ word: UInt64) -> Int {
    // A byte below 0x20 borrows from its top bit when that is taken away; one of 0x80 and above is never below.
    markCount((word &- ones &* 0x20) & ~word & tops | equalBytes(word, 0x22) | equalBytes(word, 0x5C))
  }

  /// Sixteen bytes. Comparing the bytes of a vector is done one by one, so they are compared in words.
  typealias Words = SIMD2<UInt64>

  /// Marks with its top bit each byte that is a quote, an escape or a control character; behind one there may be marks that
  /// mean nothing, and the other bits mean nothing either.
  @inline(__always) static func specialMarks(_ words: Words) -> Words {
    let (quotes, escapes) = (words ^ Words(repeating: ones &* 0x22), words ^ Words(repeating: ones &* 0x5C))
    return (words &- Words(repeating: ones &* 0x20)) & ~words
      | (quotes &- Words(repeating: ones)) & ~quotes | (escapes &- Words(repeating: ones)) & ~escapes
  }

  /// Marks with its top bit the first of eight bytes that is not 0 to 9; behind it there may be marks that mean nothing.
  @inline(__always) static func nonDigitMarks(_ word: UInt64) -> UInt64 { ((word &+ ones &* 0x76) | word) & tops }

  /// The number that eight bytes of 0 to 9 are the digits of, the first one lowest.
  @inline(__always) static func number(ofDigits digits: UInt64) -> UInt64 {
    // Neighbours are added up to two, four and eight digits.
    var value = (digits &* (10 &<< 8 | 1)) &>> 8 & 0x00FF_00FF_00FF_00FF
    value = (value &* (100 &<< 16 | 1)) &>> 16 & 0x0000_FFFF_0000_FFFF
    return (value &* (10_000 &<< 32 | 1)) &>> 32
  }

  // MARK: Strings

  /// The inside of a string, quotes left out; `hasEscapes` if it must be decoded.
  mutating func string(_ bytes: Bytes) throws(Malformed) -> JSONText {
    try expect(0x22, bytes)
    let start = index
    var hasEscapes = false
    while true {
      skipPlain(bytes)
      guard index < bytes.count else { throw fail("string without an end") }
      index &+= 1
      switch bytes[index &- 1] {
      case 0x22: return JSONText(range: start..<index - 1, hasEscapes: hasEscapes)
      case 0x5C:
        index &-= 1
        hasEscapes = true
        try skipEscape(bytes)
      default:
        index &-= 1
        throw fail("control character in a string")
      }
    }
  }

  /// Passes over what is neither a quote nor an escape nor a control character, sixteen bytes at a time, then eight, while
  /// there are so many.
  private mutating func skipPlain(_ bytes: Bytes) {
    while index &+ 16 <= bytes.count {
      // Unsafe in name, as below.
      let words = bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: Words.self)
      let marks = JSONReader.specialMarks(words)
      guard (marks.x | marks.y) & JSONReader.tops == 0 else { break }
      nonASCII |= (words.x | words.y) & JSONReader.tops
      index &+= 16
    }
    while index &+ 8 <= bytes.count {
      // Unsafe in name: any bits are a UInt64, and the load looks after its bounds.
      let word = UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
      guard JSONReader.plainCount(word) == 8 else { break }
      nonASCII |= word & JSONReader.tops
      index &+= 8
    }
    while index < bytes.count, case let byte = bytes[unchecked: index], byte >= 0x20, byte != 0x22, byte != 0x5C {
      nonASCII |= UInt64(byte & 0x80)
      index &+= 1
    }
  }

  private mutating func skipEscape(_ bytes: Bytes) throws(Malformed) {
    guard index + 1 < bytes.count else { throw fail("ends inside an escape") }
    switch bytes[index + 1] {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
      index += 2
    case 0x75:
      guard let unit = JSONText.unit(bytes, at: index) else { throw fail("bad \\u escape") }
      // A lone surrogate names no character and could not be passed on as UTF-8.
      if 0xD800...0xDBFF ~= unit {
        guard let low = JSONText.unit(bytes, at: index + 6), 0xDC00...0xDFFF ~= low else { throw fail("lone surrogate") }
        index += 12
      } else {
        guard !(0xDC00...0xDFFF ~= unit) else { throw fail("lone surrogate") }
        index += 6
      }
    default:
      throw fail("unknown escape")
    }
  }

  // MARK: Numbers

  /// A whole number from 0 to 2^53-1 in plain digits: no sign, fraction or exponent, no zero in front.
  mutating func unsigned(_ bytes: Bytes) throws(Malformed) -> UInt64 {
    _ = try peek(bytes)
    let start = index
    var value: UInt64 = 0
    while index < bytes.count, case let digit = bytes[unchecked: index] &- 0x30, digit < 10 {
      guard index &- start < 16 else { throw Malformed("number above 2^53-1", at: start) }
      value = value &* 10 &+ UInt64(digit)
      index &+= 1
    }
    guard index > start else { throw fail("expected a whole number") }
    guard index &- start == 1 || bytes[unchecked: start] != 0x30 else {
      throw Malformed("number with a leading zero", at: start)
    }
    guard value <= 9_007_199_254_740_991 else { throw Malformed("number above 2^53-1", at: start) }
    if index < bytes.count, case let next = bytes[unchecked: index], next == 0x2E || next | 0x20 == 0x65 {
      throw fail("expected a whole number")
    }
    return value
  }

  mutating func skipNumber(_ bytes: Bytes) throws(Malformed) {
    if bytes[index] == 0x2D { index += 1 }
    let start = index
    try skipDigits(bytes)
    guard index - start == 1 || bytes[start] != 0x30 else { throw Malformed("number with a leading zero", at: start) }
    if index < bytes.count, bytes[index] == 0x2E {
      index += 1
      try skipDigits(bytes)
    }
    if index < bytes.count, bytes[index] | 0x20 == 0x65 {
      index += 1
      if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
      try skipDigits(bytes)
    }
  }

  private mutating func skipDigits(_ bytes: Bytes) throws(Malformed) {
    let start = index
    while index < bytes.count, bytes[index] &- 0x30 < 10 { index += 1 }
    guard index > start else { throw fail("expected a digit") }
  }

  // MARK: Values

  mutating func literal(_ word: StaticString, _ bytes: Bytes) throws(Malformed) {
    for position in 0..<word.utf8CodeUnitCount {
      guard index < bytes.count, bytes[index] == word.utf8Start[position] else { throw fail("expected a value") }
      index += 1
    }
  }

  /// Passes over one value of any kind, which stands `depth` levels deep, and returns where it lies.
  mutating func skipValue(_ bytes: Bytes, depth: Int = 0) throws(Malformed) -> Range<Int> {
    let first = try peek(bytes)
    let start = index
    guard first == 0x7B || first == 0x5B else {
      if first == 0x22 { _ = try string(bytes) } else { try skipScalar(first, bytes) }
      return start..<index
    }
    // One bit a level, lowest the innermost: 1 for an object, 0 for an array.
    var stack: UInt64 = 0
    var level = 0
    while true {
      // A value is due here.
      let byte = try peek(bytes)
      if byte == 0x7B || byte == 0x5B {
        guard depth + level < JSONReader.maxDepth else { throw fail("nested deeper than \(JSONReader.maxDepth)") }
        index += 1
        stack = stack << 1 | (byte == 0x7B ? 1 : 0)
        level += 1
        if try peek(bytes) != (byte == 0x7B ? 0x7D : 0x5D) {
          if byte == 0x7B { try skipKey(bytes) }
          continue
        }
      } else {
        try skipScalar(byte, bytes)
      }
      // A value is complete: close what ends here.
      closing: while level > 0 {
        let isObject = stack & 1 == 1
        let next = try peek(bytes)
        if next == (isObject ? 0x7D : 0x5D) {
          index += 1
          stack >>= 1
          level -= 1
        } else if next == 0x2C {
          // An empty container was entered and not closed only if its closing byte stood there, so a comma is right.
          index += 1
          if isObject { try skipKey(bytes) }
          break closing
        } else {
          throw fail(isObject ? "expected ',' or '}'" : "expected ',' or ']'")
        }
      }
      if level == 0 { return start..<index }
    }
  }

  private mutating func skipKey(_ bytes: Bytes) throws(Malformed) {
    _ = try string(bytes)
    try expect(0x3A, bytes)
  }

  private mutating func skipScalar(_ first: UInt8, _ bytes: Bytes) throws(Malformed) {
    switch first {
    case 0x22: _ = try string(bytes)
    case 0x74: try literal("true", bytes)
    case 0x66: try literal("false", bytes)
    case 0x6E: try literal("null", bytes)
    case 0x2D, 0x30...0x39: try skipNumber(bytes)
    default: throw fail("expected a value")
    }
  }
}

/// The inside of a JSON string, as positions in the message it stands in.
public struct JSONText: Equatable, Sendable {
  // Half as large as a range: a message has several, and they are handed on together.
  private let start: UInt32
  private let end: UInt32
  public let hasEscapes: Bool

  public var range: Range<Int> { Int(start)..<Int(end) }

  /// Within a message of at most 2^31-1 bytes, which `JSONReader.maxByteCount` sees to.
  init(range: Range<Int>, hasEscapes: Bool) {
    start = UInt32(truncatingIfNeeded: range.lowerBound)
    end = UInt32(truncatingIfNeeded: range.upperBound)
    self.hasEscapes = hasEscapes
  }

  /// Without escapes; `start` is not behind `end`.
  @inline(__always) init(start: Int, end: Int) {
    (self.start, self.end) = (UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: end))
    hasEscapes = false
  }

  /// The text of a message that was read to its end: all of it is known to be UTF-8.
  func text(_ bytes: Span<UInt8>) -> String {
    hasEscapes ? decoded(bytes) : String(copying: UTF8Span(unchecked: bytes.extracting(range)))
  }

  /// The text with its escapes undone. The reader has checked them.
  public func decoded(_ bytes: Span<UInt8>) -> String {
    guard hasEscapes else {
      return bytes.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
    // An escape is never shorter than what it stands for.
    var text: [UInt8] = []
    text.reserveCapacity(range.count)
    var index = range.lowerBound
    while index < range.upperBound {
      guard bytes[index] == 0x5C else {
        text.append(bytes[index])
        index += 1
        continue
      }
      let (scalar, length) = JSONText.escape(bytes, at: index)
      if let units = UTF8.encode(scalar) { text.append(contentsOf: units) }
      index += length
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Whether the text, with its escapes undone, may have so few bytes: none takes more than six for one. To be asked before
  /// the escapes of what has a bound are undone.
  func mayFit(_ byteCount: Int) -> Bool { range.count <= 6 * byteCount }

  /// A text of at most eight bytes without escapes as one number; of a longer one the last eight.
  func word(_ bytes: Span<UInt8>) -> UInt64 {
    let count = min(range.count, 8)
    if range.upperBound >= 8 {
      // Unsafe in name: any bits are a UInt64, and the load looks after its bounds.
      let word = bytes.bytes.unsafeLoadUnaligned(fromByteOffset: range.upperBound &- 8, as: UInt64.self)
      return count == 0 ? 0 : UInt64(bigEndian: word) & (.max >> UInt64(64 &- count &* 8))
    }
    var word: UInt64 = 0
    for index in range.suffix(8) { word = word << 8 | UInt64(bytes[index]) }
    return word
  }

  /// Whether a text without escapes is that one.
  func isEqual(to text: [UInt8], _ bytes: Span<UInt8>) -> Bool {
    guard text.count == range.count else { return false }
    for position in text.indices where text[position] != bytes[range.lowerBound + position] { return false }
    return true
  }

  func isSessionID(_ bytes: Span<UInt8>) -> Bool {
    hasEscapes ? SessionID(decoded(bytes)) != nil : SessionID.isForm(bytes, range)
  }

  static func copy(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
    var copy: [UInt8] = []
    copy.append(bytes.extracting(range))
    return copy
  }

  /// The code unit of a `\uXXXX` at `index`, nil if none stands there.
  static func unit(_ bytes: Span<UInt8>, at index: Int) -> UInt32? {
    guard index + 6 <= bytes.count, bytes[index] == 0x5C, bytes[index + 1] == 0x75 else { return nil }
    var value: UInt32 = 0
    for position in index + 2..<index + 6 {
      let byte = bytes[position]
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
      case 0x41...0x46, 0x61...0x66: value = value << 4 | UInt32((byte | 0x20) - 0x61 + 10)
      default: return nil
      }
    }
    return value
  }

  /// The character of a checked escape and the bytes that it takes.
  private static func escape(_ bytes: Span<UInt8>, at index: Int) -> (Unicode.Scalar, Int) {
    let replacement: Unicode.Scalar = "\u{FFFD}"
    switch bytes[index + 1] {
    case 0x62: return ("\u{8}", 2)
    case 0x66: return ("\u{C}", 2)
    case 0x6E: return ("\n", 2)
    case 0x72: return ("\r", 2)
    case 0x74: return ("\t", 2)
    case 0x75:
      let high = unit(bytes, at: index) ?? 0xFFFD
      guard 0xD800...0xDBFF ~= high, let low = unit(bytes, at: index + 6) else {
        return (Unicode.Scalar(high) ?? replacement, 6)
      }
      return (Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)) ?? replacement, 12)
    case let plain: return (Unicode.Scalar(plain), 2)
    }
  }
}
