/// Base64url without padding: RFC 4648 section 5.
package enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  static func contains(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, 0x2D, 0x5F: true
    default: false
    }
  }

  package static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        text.append(alphabet[Int(bits >> count & 63)])
      }
    }
    if count > 0 { text.append(alphabet[Int(bits << (6 - count) & 63)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends the 22 characters of 128 bits: 21 of six bits, and one of the two that are left.
  static func append(_ high: UInt64, _ low: UInt64, to text: inout [UInt8]) {
    let (bits, alphabet) = (UInt128(high) << 64 | UInt128(low), alphabet)
    for shift in stride(from: 122, through: 2, by: -6) { text.append(alphabet[Int(truncatingIfNeeded: bits >> shift) & 63]) }
    text.append(alphabet[Int(truncatingIfNeeded: bits << 4) & 63])
  }

  /// The value of each character, 255 for those outside the alphabet.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  /// Nil for a character outside the alphabet or bits left over that are not 0: each value has one spelling only.
  package static func decode(_ text: Substring) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for character in text.utf8 {
      let value = values[Int(character)]
      guard value != 255 else { return nil }
      bits = (bits << 6 | UInt32(value)) & 0xFFFF
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    return count < 6 && bits & (1 << count - 1) == 0 ? bytes : nil
  }
}

/// 128 random bits with a prefix of its kind; public, may be logged.
public struct SessionID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

  /// Reads `s_` and 22 characters of base64url.
  public init?(_ text: String) {
    guard text.utf8.count == 24, text.hasPrefix("s_"), let bytes = Base64URL.decode(text.dropFirst(2)) else { return nil }
    high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Whether bytes have the form of one, without looking at what it names.
  static func isForm(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    guard range.count == 24, bytes[range.lowerBound] == 0x73, bytes[range.lowerBound + 1] == 0x5F else { return false }
    for index in range.dropFirst(2) where !Base64URL.contains(bytes[index]) { return false }
    // The last character stands for two bits, and its other four are 0: each value has one spelling only.
    return [0x41, 0x51, 0x67, 0x77].contains(bytes[range.upperBound - 1])
  }

  public var description: String { Identifier.text { append(to: &$0) } }

  func append(to bytes: inout [UInt8]) {
    bytes.append(literal: "s_")
    Base64URL.append(high, low, to: &bytes)
  }

  public static func < (left: SessionID, right: SessionID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

/// The name of one connection in logs and `inspect`.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

  public var description: String {
    Identifier.text { bytes in
      bytes.append(literal: "c_")
      Base64URL.append(high, low, to: &bytes)
    }
  }
}

enum Identifier {
  static func text(_ write: (inout [UInt8]) -> Void) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(24)
    write(&bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// 16 hex digits: an epoch, a log.
package func hexDigits(_ value: UInt64) -> String { Identifier.text { $0.append(hex: value) } }

/// Exactly 16 lower-case hex digits.
package func parseHexDigits(_ text: String) -> UInt64? {
  guard text.utf8.count == 16, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }) else { return nil }
  return UInt64(text, radix: 16)
}
