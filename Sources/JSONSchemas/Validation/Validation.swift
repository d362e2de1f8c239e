import SessionCore

/// One value against one schema: the first fault, in the order in which docs/SCHEMAS.md lists the checks. The work is
/// bounded by steps and by depth; when a bound is reached the value counts as invalid, and says so.
struct Validation {
  /// How much may be done for one payload.
  struct Bounds {
    var stepCount: Int
    /// Schemas within schemas; the nesting of values is bounded by the reader of JSON.
    static let depth = 1_024
  }

  /// One step on the way to a value.
  enum Step {
    case name(String)
    case index(Int)
  }

  struct Fault {
    var path: [Step]
    var text: String
  }

  let schemas: CompiledSchemas
  var stepsLeft: Int
  private var depth = 0
  var path: [Step] = []
  /// Above 0 nobody will read the texts of faults.
  var quietness = 0
  /// Why the check was given up.
  private(set) var excess: String?

  init(_ schemas: CompiledSchemas, _ bounds: Bounds) {
    self.schemas = schemas
    stepsLeft = bounds.stepCount
  }

  /// What is wrong with the value, nil if nothing is.
  static func run(_ value: JSONValue, _ root: Node.ID, _ schemas: CompiledSchemas, _ bounds: Bounds) -> Fault? {
    var validation = Validation(schemas, bounds)
    let fault = validation.check(value, root)
    // Given up in the middle of a `not`, the value might seem to be valid.
    return validation.excess.map { Fault(path: [], text: $0) } ?? fault
  }

  // MARK: Bounds

  mutating func spend(_ steps: Int) -> Bool {
    stepsLeft -= steps
    if stepsLeft < 0 { giveUp() }
    return excess == nil
  }

  mutating func giveUp() { excess = excess ?? "the check takes more steps than are allowed for one payload" }

  func fault(_ text: @autoclosure () -> String) -> Fault {
    quietness > 0 ? Fault(path: [], text: "") : Fault(path: path, text: text())
  }

  // MARK: One schema

  mutating func check(_ value: JSONValue, _ id: Node.ID) -> Fault? {
    guard spend(1) else { return fault("") }
    guard depth < Bounds.depth else {
      excess = excess ?? "the check goes deeper than \(Bounds.depth) schemas"
      return fault("")
    }
    depth += 1
    defer { depth -= 1 }
    let node = schemas.nodes[id]
    if node.isNever { return fault("nothing is allowed here") }
    if let types = node.types, !types.includes(value) {
      return fault("\(types.text) expected, not \(Display.kind(value))")
    }
    for values in node.values { if let fault = check(value, values) { return fault } }
    if let fault = checkKind(value, node) { return fault }
    return node.inPlace.flatMap { checkInPlace(value, $0) }
  }

  private mutating func checkKind(_ value: JSONValue, _ node: Node) -> Fault? {
    switch value {
    case .number(let text): node.numbers.flatMap { check(number: text, $0) }
    case .string(let text): node.texts.flatMap { check(text: text, $0) }
    case .array(let values): node.arrays.flatMap { check(array: values, $0) }
    case .object(let members): node.objects.flatMap { check(object: members, value, $0) }
    case .null, .bool: nil
    }
  }

  private mutating func check(_ value: JSONValue, _ allowed: AllowedValues) -> Fault? {
    var digitCount = 0
    let form = CanonicalForm.bytes(value, limit: allowed.maxByteCount, &digitCount)
    guard spend((digitCount + (form?.count ?? allowed.maxByteCount)) / 16) else { return fault("") }
    if let form, allowed.forms.contains(form) { return nil }
    return fault("\(allowed.text) expected, not \(Display.text(value))")
  }

  private mutating func check(number text: String, _ rules: NumberRules) -> Fault? {
    guard spend(text.utf8.count / 16), let number = ExactNumber(text) else {
      return fault("a number with an exponent of at most \(ExactNumber.maxExponent) expected")
    }
    let shown = Display.cut(text)
    if let bound = rules.minimum, number < bound.number { return fault("at least \(bound.text) expected, not \(shown)") }
    if let bound = rules.maximum, number > bound.number { return fault("at most \(bound.text) expected, not \(shown)") }
    if let bound = rules.exclusiveMinimum, number <= bound.number {
      return fault("more than \(bound.text) expected, not \(shown)")
    }
    if let bound = rules.exclusiveMaximum, number >= bound.number {
      return fault("less than \(bound.text) expected, not \(shown)")
    }
    if let (divisor, text) = rules.multipleOf, !divisor.divides(number) {
      return fault("a multiple of \(text) expected, not \(shown)")
    }
    return nil
  }

  private mutating func check(text: String, _ rules: TextRules) -> Fault? {
    if rules.minLength != nil || rules.maxLength != nil {
      guard spend(text.utf8.count / 16) else { return fault("") }
      let count = text.unicodeScalars.count
      if let least = rules.minLength, count < least {
        return fault("at least \(Display.count(least, "character")) expected, not \(count)")
      }
      if let most = rules.maxLength, count > most {
        return fault("at most \(Display.count(most, "character")) expected, not \(count)")
      }
    }
    guard let (pattern, source) = rules.pattern, !isFound(pattern, in: text) else { return nil }
    return fault("a text that matches \(source) expected, not \(Display.text(.string(text)))")
  }

  /// False, and given up, if it took too long.
  mutating func isFound(_ pattern: Pattern, in text: String) -> Bool {
    guard excess == nil, let isFound = pattern.isFound(in: text, steps: &stepsLeft) else {
      giveUp()
      return false
    }
    return isFound
  }
}

extension TypeSet {
  func includes(_ value: JSONValue) -> Bool {
    switch value {
    case .null: contains(.null)
    case .bool: contains(.boolean)
    // A number too far out to be computed with is written with an exponent; whole if that is positive.
    case .number(let text):
      contains(.number) || contains(.integer) && (ExactNumber(text)?.isWhole ?? !text.contains("e-"))
    case .string: contains(.string)
    case .array: contains(.array)
    case .object: contains(.object)
    }
  }
}

extension Display {
  static func kind(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool: "a boolean"
    case .number(let text): "the number \(cut(text))"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  static func count(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
}
