import JSONSchemas
import Testing

/// Files that are refused at the start, and what is told.
@Suite struct RefusalTests {
  static func faults(_ files: [(String, String)]) -> [String] {
    do {
      _ = try SchemaSet(files.map { SchemaSet.File(name: $0.0, bytes: Array($0.1.utf8)) })
      return []
    } catch {
      return error.faults.map(\.description)
    }
  }

  @Test(arguments: [
    (#"{"typ":"string"}"#, #"e.json#/typ: "typ" is no keyword that is supported"#),
    (#"{"properties":{"a":{"unevaluatedProperties":false}}}"#,
      #"e.json#/properties/a/unevaluatedProperties: "unevaluatedProperties" is no keyword that is supported"#),
    (#"{"$defs":{"unused":{"minimun":1}}}"#, #"e.json#/$defs/unused/minimun: "minimun" is no keyword that is supported"#),
    (#"{"type":"text"}"#,
      "e.json#/type: type is one of null, boolean, integer, number, string, array, object, or a list of them, each once"),
    (#"{"pattern":"(a)\\1"}"#,
      #"e.json#/pattern: the pattern "(a)\1" refers back to a group, which is not supported (character 6)"#),
    (#"{"minLength":-1}"#, "e.json#/minLength: a whole number from 0 to 2^53-1 is expected"),
    (#"{"multipleOf":0}"#, "e.json#/multipleOf: a number above 0 with at most 18 digits is expected"),
    (#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
      #"e.json#/$schema: "http://json-schema.org/draft-07/schema#" is not https://json-schema.org/draft/2020-12/schema, the only dialect here"#),
    (##"{"$ref":"#/$defs/none"}"##, ##"e.json#/$ref: refers to "#/$defs/none", and no schema stands there"##),
    (#"{"$ref":"other.json"}"#, #"e.json#/$ref: refers to "other.json", and there is no such file beside this one"#),
    (##"{"$ref":"#name"}"##, ##"e.json#/$ref: refers to "#name"; a reference names a place, such as #/$defs/name, not an anchor"##),
    (##"{"$ref":"#"}"##, "e.json#: comes back to itself without going deeper into the value; the check would never end"),
    (##"{"anyOf":[{"not":{"$ref":"#"}}]}"##,
      "e.json#: comes back to itself without going deeper into the value; the check would never end"),
    (#"{"items":[{}]}"#, "e.json#/items: items is one schema; a list of them is prefixItems"),
    ("{\n  \"type\": \"string\",\n}", "e.json:3:1: not JSON: expected '\"'"),
    ("7", "e.json#: a schema is an object, true or false"),
    ("", "e.json:1:1: not JSON: ends too early"),
    (#"{"type":"string","type":"null"}"#, #"e.json:1:24: not JSON: duplicate key "type""#),
    (String(repeating: "{\"not\":", count: 100) + "true" + String(repeating: "}", count: 100),
      "e.json:1:449: not JSON: nested deeper than 64"),
  ]) func refused(_ schema: String, _ fault: String) {
    #expect(RefusalTests.faults([("e.json", schema)]) == [fault])
  }

  @Test func everythingThatIsWrongIsTold() {
    let faults = RefusalTests.faults([("b.json", #"{"typ":1,"minimum":"1"}"#), ("a.json", #"{"required":[1]}"#)])
    #expect(faults.count == 3)
    #expect(faults.first?.hasPrefix("a.json#/required") == true)
  }

  @Test func namesOfFiles() {
    #expect(RefusalTests.faults([("Chat.send.json", "{}")]) == [
      "Chat.send.json: is not EVENT.json or EVENT@VERSION.json, and no other file refers to it"
    ])
    #expect(RefusalTests.faults([("a.json", "{}"), ("a@1.json", "{}")]) == [
      "a@1.json: another file is for version 1 of a already"
    ])
    #expect(RefusalTests.faults([("a@02.json", "{}")]).count == 1)
    #expect(RefusalTests.faults([("a@0.json", "{}")]).count == 1)
  }

  @Test func loopsOverFilesAreFound() {
    let faults = RefusalTests.faults([("a.json", #"{"$ref":"b.json"}"#), ("b.json", #"{"allOf":[{"$ref":"a.json"}]}"#)])
    #expect(faults.count == 1)
  }

  @Test func aChainThatIsTooLongIsRefused() {
    let definitions = (0..<200).map { "\"d\($0)\":{\"$ref\":\"#/$defs/d\($0 + 1)\"}" }.joined(separator: ",")
    let faults = RefusalTests.faults([("a.json", "{\"$defs\":{\(definitions),\"d200\":true}}")])
    #expect(faults.first?.contains("chain of more than 128 schemas") == true)
  }
}
