import SessionCore

/// A value as bytes that are the same for equal values and for no others: numbers by their value, members in the order
/// of their names. `const`, `enum` and `uniqueItems` compare and hash these, so that a list is looked through once.
enum CanonicalForm {
  static func bytes(_ value: JSONValue) -> [UInt8] {
    var (bytes, digitCount) = ([UInt8](), 0)
    _ = append(value, to: &bytes, limit: .max, &digitCount)
    return bytes
  }

  /// Nil if they are more than `limit`, which is seen before many more are made.
  /// - Parameter digitCount: how many characters of numbers were looked at: a number may have many and a short form.
  static func bytes(_ value: JSONValue, limit: Int, _ digitCount: inout Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    return append(value, to: &bytes, limit: limit, &digitCount) && bytes.count <= limit ? bytes : nil
  }

  /// False if it gave up, since there are more than `limit`.
  private static func append(
    _ value: JSONValue, to bytes: inout [UInt8], limit: Int, _ digitCount: inout Int
  ) -> Bool {
    switch value {
    case .null: bytes.append(UInt8(ascii: "n"))
    case .bool(let flag): bytes.append(UInt8(ascii: flag ? "t" : "f"))
    case .number(let text):
      digitCount += text.utf8.count
      append(number: text, to: &bytes)
    case .string(let text):
      guard text.utf8.count <= limit else { return false }
      append(text: text, to: &bytes)
    case .array(let values):
      guard values.count <= limit else { return false }
      bytes.append(UInt8(ascii: "["))
      for value in values {
        guard append(value, to: &bytes, limit: limit, &digitCount), bytes.count <= limit else { return false }
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      guard members.count <= limit else { return false }
      bytes.append(UInt8(ascii: "{"))
      for member in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
        guard member.key.utf8.count <= limit else { return false }
        append(text: member.key, to: &bytes)
        guard append(member.value, to: &bytes, limit: limit, &digitCount), bytes.count <= limit else { return false }
      }
      bytes.append(UInt8(ascii: "}"))
    }
    return true
  }

  private static func append(number text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "#"))
    guard let number = ExactNumber(text) else {
      // Too far out to be computed with: equal if it is written in the same way.
      bytes.append(UInt8(ascii: "!"))
      return append(text: text, to: &bytes)
    }
    number.append(to: &bytes)
  }

  /// With its length in front, so that nothing in it can be taken for what follows.
  private static func append(text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: String(text.utf8.count).utf8)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(contentsOf: text.utf8)
  }
}
