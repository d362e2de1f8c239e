import SessionCore

/// Values in sentences: short, whatever they are.
enum Display {
  static let maxByteCount = 48

  static func text(_ value: JSONValue) -> String {
    switch value {
    case .array: "an array"
    case .object: "an object"
    case .string(let text): cut(JSONValue.string(text.cut(toByteCount: maxByteCount)).text)
    case .number(let text): cut(text)
    case .null, .bool: value.text
    }
  }

  static func cut(_ text: String) -> String {
    text.utf8.count <= maxByteCount ? text : text.cut(toByteCount: maxByteCount / 2) + "…"
  }
}
