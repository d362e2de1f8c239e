/// The keywords of JSON Schema 2020-12 that are known here: docs/SCHEMAS.md.
public enum Keyword: String, CaseIterable, Sendable {
  // References.
  case ref = "$ref"
  case definitions = "$defs"

  // Any value.
  case type, const
  case oneOfValues = "enum"

  // Numbers.
  case multipleOf, minimum, maximum, exclusiveMinimum, exclusiveMaximum

  // Texts.
  case minLength, maxLength, pattern

  // Arrays.
  case prefixItems, items, contains, minContains, maxContains, minItems, maxItems, uniqueItems

  // Objects.
  case properties, patternProperties, additionalProperties, propertyNames, required, minProperties, maxProperties
  case dependentRequired, dependentSchemas

  // Schemas together.
  case allOf, anyOf, oneOf, not
  case condition = "if"
  case then
  case otherwise = "else"

  // Without effect on what is valid.
  case schema = "$schema"
  case id = "$id"
  case comment = "$comment"
  case title, description, `default`, examples, deprecated, readOnly, writeOnly, format
}
