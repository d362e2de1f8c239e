/// A JSON number without loss: ± digits × 10^exponent, with no zero at either end of the digits, so that two numbers are
/// equal exactly if all three parts are. No binary fraction comes in anywhere: 0.1 is 0.1.
struct ExactNumber: Hashable, Sendable {
  private(set) var isNegative = false
  /// The most significant first; none for zero.
  private(set) var digits: [UInt8] = []
  private(set) var exponent = 0

  /// Numbers with more zeros than this behind or before their digits are not computed with.
  static let maxExponent = 1_000_000_000

  /// The number that a JSON text names; nil if its exponent is beyond `maxExponent`.
  init?(_ text: String) {
    var scale = 0
    var isFraction = false
    var rest = text.utf8[...]
    if rest.first == UInt8(ascii: "-") {
      isNegative = true
      rest.removeFirst()
    }
    while let byte = rest.first, byte | 0x20 != UInt8(ascii: "e") {
      rest.removeFirst()
      if byte == UInt8(ascii: ".") {
        isFraction = true
        continue
      }
      digits.append(byte - 0x30)
      if isFraction { scale -= 1 }
    }
    guard let shift = ExactNumber.exponent(rest.dropFirst()) else {
      // Nothing times anything is nothing.
      guard digits.allSatisfy({ $0 == 0 }) else { return nil }
      (isNegative, digits) = (false, [])
      return
    }
    exponent = scale + shift
    trim()
    guard abs(exponent) <= ExactNumber.maxExponent else { return nil }
  }

  private static func exponent(_ text: Substring.UTF8View) -> Int? {
    guard !text.isEmpty else { return 0 }
    // The least of all integers has no magnitude that is an Int.
    guard let value = Int(Substring(text)), value.magnitude <= 2 * maxExponent else { return nil }
    return value
  }

  private mutating func trim() {
    let leading = digits.prefix { $0 == 0 }.count
    digits.removeFirst(leading)
    while digits.last == 0 {
      digits.removeLast()
      exponent += 1
    }
    if digits.isEmpty { (isNegative, exponent) = (false, 0) }
  }

  /// 1.0 and 1e2 are whole; 0.5 is not.
  var isWhole: Bool { exponent >= 0 }

  /// The number if it is whole, not negative and at most 2^53-1: a length or a count in a schema.
  var count: Int? {
    guard isWhole, !isNegative, digits.count + exponent <= 16 else { return nil }
    var value = digits.reduce(0) { $0 * 10 + Int($1) }
    for _ in 0..<exponent { value *= 10 }
    return value <= 9_007_199_254_740_991 ? value : nil
  }

  /// As it is hashed and compared among other values.
  func append(to bytes: inout [UInt8]) {
    bytes.append(isNegative ? 0x2D : 0x2B)
    bytes.append(contentsOf: String(exponent).utf8)
    bytes.append(0x3A)
    bytes.append(contentsOf: digits)
    bytes.append(0xFF)
  }
}

extension ExactNumber: Comparable {
  static func < (left: ExactNumber, right: ExactNumber) -> Bool {
    guard left.isNegative == right.isNegative else { return left.isNegative }
    return left.isNegative ? right.isSmallerInSize(than: left) : left.isSmallerInSize(than: right)
  }

  private func isSmallerInSize(than other: ExactNumber) -> Bool {
    guard !digits.isEmpty, !other.digits.isEmpty else { return digits.isEmpty && !other.digits.isEmpty }
    // Where the first digit stands decides; no zero is at the end, so a longer row with the same beginning is greater.
    let (place, otherPlace) = (digits.count + exponent, other.digits.count + other.exponent)
    return place == otherPlace ? digits.lexicographicallyPrecedes(other.digits) : place < otherPlace
  }
}

/// A divisor of `multipleOf`: at most 18 digits that count, so that the remainder is a matter of one machine word.
struct Divisor: Sendable {
  private let value: UInt64
  private let exponent: Int

  static let maxDigitCount = 18

  /// Nil unless it is above zero and has at most `maxDigitCount` digits.
  init?(_ number: ExactNumber) {
    guard !number.isNegative, 1...Divisor.maxDigitCount ~= number.digits.count else { return nil }
    value = number.digits.reduce(0) { $0 * 10 + UInt64($1) }
    exponent = number.exponent
  }

  func divides(_ number: ExactNumber) -> Bool {
    guard !number.digits.isEmpty else { return true }
    // Its digits end in no zero, so it has no factor 10 to give for a divisor with more zeros.
    guard number.exponent >= exponent else { return false }
    let remainder = number.digits.reduce(0) { ($0 * 10 + UInt64($1)) % value }
    return multiply(remainder, power(of: 10 % value, number.exponent - exponent)) == 0
  }

  private func multiply(_ left: UInt64, _ right: UInt64) -> UInt64 {
    value.dividingFullWidth(left.multipliedFullWidth(by: right)).remainder
  }

  private func power(of base: UInt64, _ exponent: Int) -> UInt64 {
    var (result, square, rest) = (1 % value, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result = multiply(result, square) }
      square = multiply(square, square)
      rest >>= 1
    }
    return result
  }
}
