/// A JSON value as a tree, for what is small and rare: `hello`, `welcome`, errors. Never on the data path.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number as it was written: the reader checks its form and leaves its precision alone.
  case number(String)
  case string(String)
  case array([JSONValue])
  /// Members in the order they came; keys are unique.
  case object([Member])

  public struct Member: Sendable, Equatable {
    public var key: String
    public var value: JSONValue

    public init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// Reads one value and nothing behind it; duplicate keys and nesting above 64 levels are refused.
  public init(parsing bytes: [UInt8]) throws(Malformed) {
    try self.init(parsing: bytes.span)
  }

  public init(parsing bytes: Span<UInt8>) throws(Malformed) { try self.init(parsing: bytes, depth: 0) }

  /// - Parameter depth: so many levels deep in another value.
  init(parsing bytes: Span<UInt8>, depth: Int) throws(Malformed) {
    var reader = JSONReader()
    self = try JSONValue.read(&reader, bytes, depth: depth)
    try reader.expectEnd(bytes)
    guard !reader.sawNonASCII || (try? UTF8Span(validating: bytes)) != nil else { throw Malformed("not UTF-8", at: 0) }
  }

  public static func int(_ value: some BinaryInteger) -> JSONValue {
    // The standard library's way is that of all integers of any size, which takes far longer.
    .number(UInt64(exactly: value).map { Decimal($0).text } ?? String(value))
  }

  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key.isSameName(as: key) }?.value
  }

  public var stringValue: String? { if case .string(let text) = self { text } else { nil } }
  public var boolValue: Bool? { if case .bool(let flag) = self { flag } else { nil } }
  public var arrayValue: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  public var isObject: Bool { if case .object = self { true } else { false } }

  /// The number if it is written as a whole one from 0 to 2^53-1.
  public var unsignedValue: UInt64? {
    guard case .number(let text) = self, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    return UInt64(text).flatMap { $0 <= 9_007_199_254_740_991 ? $0 : nil }
  }

  /// The value in its shortest form.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return bytes
  }

  public var text: String { String(decoding: bytes, as: UTF8.self) }

  public func append(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(literal: "null")
    case .bool(let flag): bytes.append(literal: flag ? "true" : "false")
    case .number(var text): text.withUTF8 { bytes.append(copying: UnsafeRawBufferPointer($0)) }
    case .string(let text): bytes.append(json: text)
    case .array(let values):
      JSONValue.appendList(values, "[", "]", to: &bytes) { $0.append(to: &$1) }
    case .object(let members):
      JSONValue.appendList(members, "{", "}", to: &bytes) { member, bytes in
        bytes.append(json: member.key)
        bytes.append(literal: ":")
        member.value.append(to: &bytes)
      }
    }
  }

  private static func appendList<Element>(
    _ elements: [Element], _ open: StaticString, _ close: StaticString, to bytes: inout [UInt8],
    _ append: (Element, inout [UInt8]) -> Void
  ) {
    bytes.append(literal: open)
    for (position, element) in elements.enumerated() {
      if position > 0 { bytes.append(literal: ",") }
      append(element, &bytes)
    }
    bytes.append(literal: close)
  }

  // MARK: Reading

  private static func read(_ reader: inout JSONReader, _ bytes: Span<UInt8>, depth: Int) throws(Malformed) -> JSONValue {
    let first = try reader.peek(bytes)
    if first == 0x7B || first == 0x5B, depth == JSONReader.maxDepth {
      throw reader.fail("nested deeper than \(JSONReader.maxDepth)")
    }
    switch first {
    case 0x7B: return try readObject(&reader, bytes, depth: depth)
    case 0x5B: return try readArray(&reader, bytes, depth: depth)
    case 0x22: return .string(try reader.string(bytes).decoded(bytes))
    default:
      let range = try reader.skipValue(bytes)
      switch first {
      case 0x74: return .bool(true)
      case 0x66: return .bool(false)
      case 0x6E: return .null
      default: return .number(String(decoding: JSONText.copy(bytes, range), as: UTF8.self))
      }
    }
  }

  private static func readArray(
    _ reader: inout JSONReader, _ bytes: Span<UInt8>, depth: Int
  ) throws(Malformed) -> JSONValue {
    reader.index += 1
    var values: [JSONValue] = []
    if try reader.peek(bytes) == 0x5D {
      reader.index += 1
      return .array(values)
    }
    while true {
      values.append(try read(&reader, bytes, depth: depth + 1))
      if try reader.peek(bytes) != 0x2C { break }
      reader.index += 1
    }
    try reader.expect(0x5D, bytes)
    return .array(values)
  }

  private static func readObject(
    _ reader: inout JSONReader, _ bytes: Span<UInt8>, depth: Int
  ) throws(Malformed) -> JSONValue {
    reader.index += 1
    var members: [Member] = []
    // Few keys are quicker compared with each other than hashed.
    var keys: Set<NameKey> = []
    if try reader.peek(bytes) == 0x7D {
      reader.index += 1
      return .object(members)
    }
    while true {
      _ = try reader.peek(bytes)
      let key = try reader.string(bytes).decoded(bytes)
      if members.count == 16 { keys = Set(members.map { NameKey($0.key) }) }
      let isNew = members.count < 16 ? !members.contains { $0.key.isSameName(as: key) } : keys.insert(NameKey(key)).inserted
      guard isNew else { throw reader.fail("duplicate key \"\(key.cut(toByteCount: 64))\"") }
      try reader.expect(0x3A, bytes)
      members.append(Member(key, try read(&reader, bytes, depth: depth + 1)))
      if try reader.peek(bytes) != 0x2C { break }
      reader.index += 1
    }
    try reader.expect(0x7D, bytes)
    return .object(members)
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .number(String(value)) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
  public init(nilLiteral: ()) { self = .null }
}
