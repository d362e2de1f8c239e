/// Base64url without padding: RFC 4648 section 5.
package enum Base64URL {
  private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

  /// The character of the lowest six bits. There is one of each value of them.
  @inline(__always) private static func character(_ bits: UInt64) -> UInt8 { alphabet.utf8Start[Int(bits & 63)] }

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
        text.append(character(UInt64(bits >> count)))
      }
    }
    if count > 0 { text.append(character(UInt64(bits << (6 - count)))) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Puts the 22 characters of 128 bits: 21 of six bits, the eleventh's from both halves, and one of the two that are left.
  static func put(_ high: UInt64, _ low: UInt64, into text: inout ByteCursor) {
    for place in 0..<10 { text.put(character(high &>> UInt64(58 &- 6 &* place))) }
    text.put(character(high &<< 2 | low &>> 62))
    for place in 0..<10 { text.put(character(low &>> UInt64(56 &- 6 &* place))) }
    text.put(character(low &<< 4))
  }

  /// The value of each character, 255 for those outside the alphabet.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for value: UInt8 in 0..<64 { values[Int(character(UInt64(value)))] = value }
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
    guard text.utf8.count == SessionID.textByteCount, text.hasPrefix("s_"), let bytes = Base64URL.decode(text.dropFirst(2)) else { return nil }
    high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Whether bytes have the form of one, without looking at what it names.
  static func isForm(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    guard range.count == textByteCount, bytes[range.lowerBound] == 0x73, bytes[range.lowerBound + 1] == 0x5F else { return false }
    for index in range.dropFirst(2) where !Base64URL.contains(bytes[index]) { return false }
    // The last character stands for two bits, and its other four are 0: each value has one spelling only.
    return [0x41, 0x51, 0x67, 0x77].contains(bytes[range.upperBound - 1])
  }

  /// Of its text.
  static let textByteCount = 24

  public var description: String { ByteCursor.text(atMost: SessionID.textByteCount) { put(into: &$0) } }

  func put(into text: inout ByteCursor) {
    text.put("s_")
    Base64URL.put(high, low, into: &text)
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
    ByteCursor.text(atMost: 24) { text in
      text.put("c_")
      Base64URL.put(high, low, into: &text)
    }
  }
}

/// 16 hex digits: an epoch, a log.
package func hexDigits(_ value: UInt64) -> String { ByteCursor.text(atMost: 16) { $0.put(hex: value) } }

/// Exactly 16 lower-case hex digits.
package func parseHexDigits(_ text: String) -> UInt64? {
  guard text.utf8.count == 16, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }) else { return nil }
  return UInt64(text, radix: 16)
}
