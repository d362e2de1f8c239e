import JSONSchemas
import SessionCore
import Testing

/// What schemas accept and refuse, and where they see the fault.
@Suite struct SchemaTests {
  static func fault(_ schema: String, _ value: String, stepCount: Int = SchemaSet.defaultStepCount) throws -> PayloadFault? {
    let file = SchemaSet.File(name: "e.json", bytes: Array(schema.utf8))
    return try SchemaSet([file], stepCount: stepCount).fault(in: Array(value.utf8), of: "e", version: 1)
  }

  /// `valid` and `invalid` are values as JSON text.
  struct Case: Sendable, CustomTestStringConvertible {
    var schema: String
    var valid: [String]
    var invalid: [String]
    var testDescription: String { schema }

    init(_ schema: String, valid: [String] = [], invalid: [String] = []) {
      (self.schema, self.valid, self.invalid) = (schema, valid, invalid)
    }
  }

  static let cases: [Case] = [
    Case("true", valid: ["null", "1", "{}"]),
    Case("false", invalid: ["null", "1", "{}"]),
    Case("{}", valid: ["null", "[1]"]),
    Case(#"{"type":"integer"}"#, valid: ["1", "1.0", "1e2", "-0.0", "12345678901234567890123", "10e-1"],
      invalid: ["1.5", "1e-1", "\"1\"", "true", "null"]),
    Case(#"{"type":["string","null"]}"#, valid: ["\"\"", "null"], invalid: ["0", "false", "[]", "{}"]),
    Case(#"{"type":"number"}"#, valid: ["1", "1.5"], invalid: ["\"1\"", "true"]),
    Case(#"{"enum":[1,"a",{"b":[1.0]},null]}"#, valid: ["1.0", "\"a\"", "{\"b\":[1]}", "null"],
      invalid: ["2", "\"A\"", "{\"b\":[2]}", "true", "{}"]),
    Case(#"{"const":{"a":1,"b":2}}"#, valid: [#"{"b":2,"a":1e0}"#], invalid: [#"{"a":1}"#, #"{"a":1,"b":2,"c":3}"#]),
    Case(#"{"const":false}"#, valid: ["false"], invalid: ["0", "null", "[]"]),
    Case(#"{"const":0}"#, valid: ["0", "0.0", "-0", "0e9"], invalid: ["false", "1"]),
    Case("{\"const\":\"\u{e9}\"}", valid: ["\"\u{e9}\"", "\"\\u00e9\""], invalid: ["\"e\u{301}\""]),
    Case(#"{"multipleOf":0.01}"#, valid: ["0.3", "19.99", "0", "1e300"], invalid: ["0.001", "1.005"]),
    Case(#"{"multipleOf":2}"#, valid: ["4", "1e20", "-6"], invalid: ["3", "0.5"]),
    Case(#"{"multipleOf":1e-8}"#, valid: ["12391239123"], invalid: ["1e-9"]),
    Case(#"{"multipleOf":0.123456789}"#, invalid: ["1e308"]),
    Case(#"{"minimum":1.1,"exclusiveMaximum":3}"#, valid: ["1.1", "2.999999999999999999999", "\"x\""],
      invalid: ["1.09999999999999999999", "3.0", "1e400", "-2"]),
    Case(#"{"exclusiveMinimum":-1,"maximum":9007199254740993}"#, valid: ["9007199254740993", "-0.5"],
      invalid: ["9007199254740994", "-1.0"]),
    Case(#"{"minLength":2,"maxLength":3.0}"#, valid: ["\"ab\"", "\"💩💩\"", "1"], invalid: ["\"💩\"", "\"abcd\""]),
    Case(#"{"pattern":"^a+b?$"}"#, valid: ["\"aab\"", "7"], invalid: ["\"b\"", "\"ab\\n\""]),
    Case(#"{"items":{"type":"string"},"prefixItems":[{"type":"number"}]}"#, valid: ["[1,\"a\"]", "[]", "[1]"],
      invalid: ["[\"a\"]", "[1,2]"]),
    Case(#"{"prefixItems":[true],"items":false}"#, valid: ["[1]"], invalid: ["[1,2]"]),
    Case(#"{"contains":{"minimum":5}}"#, valid: ["[1,5]", "{}"], invalid: ["[]", "[1]"]),
    Case(#"{"contains":{"const":1},"minContains":0,"maxContains":1}"#, valid: ["[]", "[1,2]"], invalid: ["[1,1]"]),
    Case(#"{"contains":{"const":1},"minContains":2}"#, valid: ["[1,1]"], invalid: ["[1]"]),
    Case(#"{"minItems":1,"maxItems":2,"uniqueItems":true}"#, valid: ["[1,true]", "[[1],[2]]", "[{\"a\":1}]"],
      invalid: ["[]", "[1,2,3]", "[1,1.0]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]"]),
    Case(#"{"uniqueItems":true}"#, valid: ["[1,\"1\",[1],{\"a\":1},false,0,null]"], invalid: ["[null,null]"]),
    Case(#"{"properties":{"a":{"type":"string"}},"required":["a"]}"#, valid: [#"{"a":"","b":1}"#, "[]"],
      invalid: ["{}", #"{"a":1}"#]),
    Case(#"{"properties":{"a":true},"patternProperties":{"^x_":{"type":"integer"}},"additionalProperties":false}"#,
      valid: [#"{"a":1,"x_b":2}"#], invalid: [#"{"b":1}"#, #"{"x_":"1"}"#]),
    Case(#"{"additionalProperties":{"type":"null"}}"#, valid: [#"{"a":null}"#], invalid: [#"{"a":1}"#]),
    Case(#"{"propertyNames":{"maxLength":2},"minProperties":1,"maxProperties":2}"#, valid: [#"{"ab":1}"#],
      invalid: ["{}", #"{"abc":1}"#, #"{"a":1,"b":2,"c":3}"#]),
    Case(#"{"dependentRequired":{"a":["b"]}}"#, valid: ["{}", #"{"b":1}"#, #"{"a":1,"b":1}"#], invalid: [#"{"a":1}"#]),
    Case(#"{"dependentSchemas":{"a":{"required":["b"]}}}"#, valid: [#"{"b":1}"#], invalid: [#"{"a":1}"#]),
    Case(#"{"allOf":[{"minimum":1},{"maximum":2}]}"#, valid: ["1", "2"], invalid: ["0", "3"]),
    Case(#"{"anyOf":[{"type":"string"},{"minimum":2}]}"#, valid: ["\"a\"", "2"], invalid: ["1"]),
    Case(#"{"oneOf":[{"minimum":1},{"maximum":2}]}"#, valid: ["0", "3"], invalid: ["1", "2"]),
    Case(#"{"not":{"type":"null"}}"#, valid: ["1"], invalid: ["null"]),
    Case(#"{"if":{"type":"string"},"then":{"minLength":1},"else":{"minimum":1}}"#, valid: ["\"a\"", "1"],
      invalid: ["\"\"", "0"]),
    Case(#"{"then":false,"else":false,"minContains":9}"#, valid: ["1", "[]"]),
    Case(##"{"$defs":{"n":{"type":"integer"}},"items":{"$ref":"#/$defs/n"},"maxItems":1}"##, valid: ["[1]"],
      invalid: ["[\"\"]", "[1,2]"]),
    Case(##"{"properties":{"next":{"$ref":"#"}},"required":["v"]}"##, valid: [#"{"v":1,"next":{"v":2}}"#],
      invalid: [#"{"v":1,"next":{}}"#]),
    Case(##"{"$defs":{"a/b":{"const":1},"c~d":{"const":2}},"prefixItems":[{"$ref":"#/$defs/a~1b"},{"$ref":"#/%24defs/c~0d"}]}"##,
      valid: ["[1,2]"], invalid: ["[2,2]", "[1,1]"]),
    Case(#"{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"urn:x","$comment":"c","title":"t","description":"d","default":1,"examples":[1],"deprecated":true,"readOnly":true,"writeOnly":false,"format":"email"}"#,
      valid: ["\"no address\""]),
  ]

  @Test(arguments: cases) func verdict(_ test: Case) throws {
    for value in test.valid { #expect(try SchemaTests.fault(test.schema, value) == nil, "\(value)") }
    for value in test.invalid { #expect(try SchemaTests.fault(test.schema, value) != nil, "\(value)") }
  }

  static let order = #"""
    {"type":"object","required":["items"],"additionalProperties":false,
     "properties":{"items":{"type":"array","items":{"type":"object","properties":{"qty":{"type":"integer","minimum":1}},
     "required":["qty"]}},"a/b~":{"type":"null"},"kind":{"oneOf":[{"const":"x"},{"type":"object","properties":{"n":{"type":"null"}}}]}}}
    """#

  @Test(arguments: [
    (#"{"items":[{"qty":0}]}"#, "/items/0/qty", "at least 1 expected, not 0"),
    (#"{"items":[{"qty":1},{}]}"#, "/items/1", #"the member "qty" is missing"#),
    (#"{}"#, "", #"the member "items" is missing"#),
    (#"[]"#, "", "an object expected, not an array"),
    (#"{"items":[],"extra":1}"#, "/extra", "no such member is allowed"),
    (#"{"items":[],"a/b~":1}"#, "/a~1b~0", "null expected, not the number 1"),
    (#"{"items":[],"kind":{"n":1}}"#, "/kind/n", "null expected, not the number 1"),
    (#"{"items":[],"kind":"y"}"#, "/kind", "none of the 2 kinds of value of which one is allowed here"),
    (#"{"items":[],"items":[]}"#, "", "duplicate key \"items\", at byte 19 of the payload"),
  ]) func place(_ value: String, _ path: String, _ text: String) throws {
    #expect(try SchemaTests.fault(SchemaTests.order, value) == PayloadFault(path: path, text: text))
  }

  @Test func versionsHaveSchemasOfTheirOwn() throws {
    let set = try SchemaSet([
      .init(name: "chat.send.json", bytes: Array(#"{"type":"string"}"#.utf8)),
      .init(name: "chat.send@2.json", bytes: Array(#"{"$ref":"Shared.json#/$defs/text"}"#.utf8)),
      .init(name: "Shared.json", bytes: Array(##"{"$defs":{"text":{"type":"object"}}}"##.utf8)),
    ])
    #expect(set.versions(of: "chat.send") == [1, 2])
    #expect(set.versions(of: "Shared") == [])
    #expect(set.fault(in: Array("\"a\"".utf8), of: "chat.send", version: 1) == nil)
    #expect(set.fault(in: Array("\"a\"".utf8), of: "chat.send", version: 2) != nil)
    #expect(set.fault(in: Array("1".utf8), of: "other", version: 1) == nil)
  }
}
