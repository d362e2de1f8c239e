import SessionCore

/// A value as bytes that are the same for equal values and for no others: numbers by their value, members in the order
/// of their names. `const`, `enum` and `uniqueItems` compare and hash these, so that a list is looked through once.
enum CanonicalForm {
  static func bytes(_ value: JSONValue) -> [UInt8] {
    var bytes: [UInt8] = []
    append(value, to: &bytes)
    return bytes
  }

  static func append(_ value: JSONValue, to bytes: inout [UInt8]) {
    switch value {
    case .null: bytes.append(UInt8(ascii: "n"))
    case .bool(let flag): bytes.append(UInt8(ascii: flag ? "t" : "f"))
    case .number(let text): append(number: text, to: &bytes)
    case .string(let text): append(text: text, to: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for value in values { append(value, to: &bytes) }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for member in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
        append(text: member.key, to: &bytes)
        append(member.value, to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
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
