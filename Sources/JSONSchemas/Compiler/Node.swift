import SessionCore

/// A schema as it is evaluated: what its keywords ask, grouped by the kind of value that they speak of. Other nodes are
/// named by their numbers, so that a schema may refer to itself.
final class Node: Sendable {
  /// The schema `false`.
  let isNever: Bool
  let types: TypeSet?
  let values: [AllowedValues]
  let numbers: NumberRules?
  let texts: TextRules?
  let arrays: ArrayRules?
  let objects: ObjectRules?
  let inPlace: InPlaceRules?

  init(
    isNever: Bool = false, types: TypeSet? = nil, values: [AllowedValues] = [], numbers: NumberRules? = nil,
    texts: TextRules? = nil, arrays: ArrayRules? = nil, objects: ObjectRules? = nil, inPlace: InPlaceRules? = nil
  ) {
    (self.isNever, self.types, self.values, self.numbers) = (isNever, types, values, numbers)
    (self.texts, self.arrays, self.objects, self.inPlace) = (texts, arrays, objects, inPlace)
  }

  typealias ID = Int
}

/// Types of JSON values, `integer` among them.
struct TypeSet: OptionSet, Sendable {
  var rawValue: UInt8

  static let null = TypeSet(rawValue: 1)
  static let boolean = TypeSet(rawValue: 2)
  static let integer = TypeSet(rawValue: 4)
  static let number = TypeSet(rawValue: 8)
  static let string = TypeSet(rawValue: 16)
  static let array = TypeSet(rawValue: 32)
  static let object = TypeSet(rawValue: 64)

  static let names: [(name: String, type: TypeSet)] = [
    ("null", .null), ("boolean", .boolean), ("integer", .integer), ("number", .number), ("string", .string),
    ("array", .array), ("object", .object),
  ]

  /// `a string or null`.
  var text: String {
    let words = TypeSet.names.filter { contains($0.type) }.map { TypeSet.article($0.name) }
    return words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or \(words[words.count - 1])"
  }

  static func article(_ name: String) -> String {
    switch name {
    case "null": "null"
    case "integer", "array", "object": "an \(name)"
    default: "a \(name)"
    }
  }
}

/// `const` or `enum`, in canonical form.
struct AllowedValues: Sendable {
  var forms: Set<[UInt8]>
  /// A value with a longer form is not among them, whatever it is.
  var maxByteCount: Int
  /// For people.
  var text: String
}

struct NumberRules: Sendable {
  struct Bound: Sendable {
    var number: ExactNumber
    /// As it was written.
    var text: String
  }

  var minimum: Bound?
  var maximum: Bound?
  var exclusiveMinimum: Bound?
  var exclusiveMaximum: Bound?
  var multipleOf: (divisor: Divisor, text: String)?
}

struct TextRules: Sendable {
  var minLength: Int?
  var maxLength: Int?
  var pattern: (pattern: Pattern, text: String)?
}

struct ArrayRules: Sendable {
  var prefix: [Node.ID] = []
  var items: Node.ID?
  var contains: Node.ID?
  var minContains: Int?
  var maxContains: Int?
  var minItems: Int?
  var maxItems: Int?
  var areUnique = false
}

struct ObjectRules: Sendable {
  var properties: [ExactText: Node.ID] = [:]
  var patterns: [(pattern: Pattern, node: Node.ID)] = []
  var additional: Node.ID?
  var names: Node.ID?
  var required: [ExactText] = []
  var minProperties: Int?
  var maxProperties: Int?
  var dependentRequired: [(name: ExactText, required: [ExactText])] = []
  var dependentSchemas: [(name: ExactText, node: Node.ID)] = []

  /// Whether it matters which names are there.
  var asksForNames: Bool { !required.isEmpty || !dependentRequired.isEmpty || !dependentSchemas.isEmpty }
}

/// Schemas that look at the same value.
struct InPlaceRules: Sendable {
  /// A place in the table of references: what is referred to may be compiled later.
  var reference: Int?
  var allOf: [Node.ID] = []
  var anyOf: [Node.ID] = []
  var oneOf: [Node.ID] = []
  var not: Node.ID?
  var condition: Node.ID?
  var then: Node.ID?
  var otherwise: Node.ID?

  var isEmpty: Bool {
    reference == nil && allOf.isEmpty && anyOf.isEmpty && oneOf.isEmpty && not == nil && condition == nil
  }
}
