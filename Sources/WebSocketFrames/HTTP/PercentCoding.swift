/// The percent-encoding of RFC 3986 section 2.1, for one segment of a path or one value of a query.
public enum PercentCoding {
  /// Everything but letters, digits and `-._~` is escaped, the slash too.
  public static func encode(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if Grammar.isUnreserved(byte) {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return Grammar.text(bytes)
  }

  /// The text; nil if a percent sign is not followed by two hexadecimal digits or the result is not UTF-8. To be
  /// used after the path was split at its slashes. A plus sign is a plus sign.
  public static func decode(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let first = rest.popFirst(), let second = rest.popFirst() else { return nil }
      guard let high = Grammar.hexValue(first), let low = Grammar.hexValue(second) else { return nil }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
