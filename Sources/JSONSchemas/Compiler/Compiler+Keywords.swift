import SessionCore

extension Compiler {
  mutating func readAny(_ keyword: Keyword, _ value: JSONValue, _ place: Place, _ draft: inout Draft) {
    switch keyword {
    case .type: draft.types = readTypes(value, place)
    case .const: draft.values.append(Compiler.allowed([value]))
    default:
      guard let values = value.arrayValue else { return fault(place, "a list of values is expected") }
      draft.values.append(Compiler.allowed(values))
    }
  }

  private mutating func readTypes(_ value: JSONValue, _ place: Place) -> TypeSet {
    let texts = (value.arrayValue ?? [value]).map(\.stringValue)
    var types: TypeSet = []
    for text in texts {
      guard let type = TypeSet.names.first(where: { $0.name == text })?.type, !types.contains(type) else {
        fault(place, "type is one of \(TypeSet.names.map(\.name).joined(separator: ", ")), or a list of them, each once")
        return []
      }
      types.insert(type)
    }
    if types.isEmpty { fault(place, "a list of types names at least one") }
    return types
  }

  private static func allowed(_ values: [JSONValue]) -> AllowedValues {
    let forms = Set(values.map(CanonicalForm.bytes))
    let texts = values.prefix(8).map { Display.text($0) } + (values.count > 8 ? ["…"] : [])
    return AllowedValues(
      forms: forms, maxByteCount: forms.map(\.count).max() ?? 0,
      text: values.count == 1 ? texts[0] : "one of " + texts.joined(separator: ", "))
  }

  mutating func readNumber(_ keyword: Keyword, _ value: JSONValue, _ place: Place, _ draft: inout Draft) {
    guard case .number(let text) = value else { return fault(place, "a number is expected") }
    guard let number = ExactNumber(text) else { return fault(place, "the number is too large to be computed with") }
    var rules = draft.numbers ?? NumberRules()
    let bound = NumberRules.Bound(number: number, text: text)
    switch keyword {
    case .minimum: rules.minimum = bound
    case .maximum: rules.maximum = bound
    case .exclusiveMinimum: rules.exclusiveMinimum = bound
    case .exclusiveMaximum: rules.exclusiveMaximum = bound
    default:
      guard let divisor = Divisor(number) else {
        return fault(place, "a number above 0 with at most \(Divisor.maxDigitCount) digits is expected")
      }
      rules.multipleOf = (divisor, text)
    }
    draft.numbers = rules
  }

  mutating func readText(_ keyword: Keyword, _ value: JSONValue, _ place: Place, _ draft: inout Draft) {
    var rules = draft.texts ?? TextRules()
    switch keyword {
    case .minLength: rules.minLength = readCount(value, place)
    case .maxLength: rules.maxLength = readCount(value, place)
    default:
      guard let text = value.stringValue else { return fault(place, "a text is expected") }
      rules.pattern = readPattern(text, place).map { ($0, text) }
    }
    draft.texts = rules
  }

  mutating func readArray(_ keyword: Keyword, _ value: JSONValue, _ place: Place, _ draft: inout Draft) {
    var rules = draft.arrays ?? ArrayRules()
    switch keyword {
    case .prefixItems: rules.prefix = readList(value, place)
    case .items:
      guard value.arrayValue == nil else { return fault(place, "items is one schema; a list of them is prefixItems") }
      rules.items = compile(value, place)
    case .contains: rules.contains = compile(value, place)
    case .minContains: rules.minContains = readCount(value, place)
    case .maxContains: rules.maxContains = readCount(value, place)
    case .minItems: rules.minItems = readCount(value, place)
    case .maxItems: rules.maxItems = readCount(value, place)
    default:
      guard let flag = value.boolValue else { return fault(place, "true or false is expected") }
      rules.areUnique = flag
    }
    draft.arrays = rules
  }

  mutating func readObject(_ keyword: Keyword, _ value: JSONValue, _ place: Place, _ draft: inout Draft) {
    var rules = draft.objects ?? ObjectRules()
    switch keyword {
    case .properties:
      for (name, node) in readSchemas(value, place) { rules.properties[ExactText(name)] = node }
    case .patternProperties:
      for (text, node) in readSchemas(value, place) {
        if let pattern = readPattern(text, place.at(text)) { rules.patterns.append((pattern, node)) }
      }
    case .additionalProperties: rules.additional = compile(value, place)
    case .propertyNames: rules.names = compile(value, place)
    case .required: rules.required = readNames(value, place)
    case .minProperties: rules.minProperties = readCount(value, place)
    case .maxProperties: rules.maxProperties = readCount(value, place)
    case .dependentSchemas: rules.dependentSchemas = readSchemas(value, place).map { (ExactText($0), $1) }
    default:
      guard case .object(let members) = value else { return fault(place, "an object of lists of names is expected") }
      for member in members {
        rules.dependentRequired.append((ExactText(member.key), readNames(member.value, place.at(member.key))))
      }
    }
    draft.objects = rules
  }

  mutating func readInPlace(_ keyword: Keyword, _ value: JSONValue, _ place: Place, _ draft: inout Draft) {
    switch keyword {
    case .allOf: draft.inPlace.allOf = readList(value, place)
    case .anyOf: draft.inPlace.anyOf = readList(value, place)
    case .oneOf: draft.inPlace.oneOf = readList(value, place)
    case .not: draft.inPlace.not = compile(value, place)
    case .condition: draft.inPlace.condition = compile(value, place)
    case .then: draft.inPlace.then = compile(value, place)
    case .otherwise: draft.inPlace.otherwise = compile(value, place)
    default:
      guard let text = value.stringValue else { return fault(place, "a reference is a text, such as #/$defs/name") }
      draft.inPlace.reference = reference(text, place)
    }
  }
}
