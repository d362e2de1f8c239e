import JSONSchemas
import SessionCore
import Testing

/// Payloads and schemas that mean no good: the work stays bounded, and what is too much counts as invalid.
@Suite struct HostileTests {
  private func check(_ schema: String, _ value: String, stepCount: Int = SchemaSet.defaultStepCount) throws -> PayloadFault? {
    try SchemaTests.fault(schema, value, stepCount: stepCount)
  }

  /// Half a million items of which each is compared with all before it would be 10^11 comparisons.
  @Test func uniqueItemsLookOnceAtEach() throws {
    let numbers = "[" + (0..<150_000).map(String.init).joined(separator: ",") + "]"
    #expect(try check(#"{"uniqueItems":true}"#, numbers) == nil)
    let twice = numbers.dropLast() + ",149999]"
    #expect(try check(#"{"uniqueItems":true}"#, String(twice))?.path == "/150000")
  }

  @Test func manyMembersAreLookedUpOnce() throws {
    let members = (0..<50_000).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
    #expect(try check(#"{"required":["m1","m49999"],"additionalProperties":{"type":"integer"}}"#, "{\(members)}") == nil)
    #expect(try check(#"{"required":["absent"]}"#, "{\(members)}") != nil)
  }

  @Test func deepValuesEnd() throws {
    let schema = ##"{"anyOf":[{"type":"integer"},{"items":{"$ref":"#"}}]}"##
    let deep = String(repeating: "[", count: 60) + "1" + String(repeating: "]", count: 60)
    #expect(try check(schema, deep) == nil)
    let tooDeep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect(try check("true", tooDeep)?.text.hasPrefix("nested deeper than 64") == true)
  }

  /// Two ways at every level: 2^40 paths, cut off by the steps.
  @Test func waysThatMultiplyAreCutOff() throws {
    let schema = ##"{"type":"array","allOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]}"##
    let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
    #expect(try check(schema, deep)?.text == "the check takes more steps than are allowed for one payload")
    // What was given up is not valid because it stands under a `not`.
    let negated = ##"{"$defs":{"d":\##(schema.replacing("#\"", with: "#/$defs/d\""))},"not":{"$ref":"#/$defs/d"}}"##
    #expect(try check(negated, deep)?.text == "the check takes more steps than are allowed for one payload")
  }

  @Test func numbersAreNotWrittenOut() throws {
    #expect(try check(#"{"multipleOf":7}"#, "1e999999999") != nil)
    #expect(try check(#"{"maximum":1e999}"#, "1e999999999") != nil)
    #expect(try check(#"{"type":"integer"}"#, "1e99999999999999999999") == nil)
    #expect(try check(#"{"type":"integer"}"#, "1e-99999999999999999999") != nil)
    #expect(try check(#"{"minimum":0}"#, "1e99999999999999999999")?.text.contains("exponent") == true)
    #expect(try check(#"{"const":1}"#, "1e99999999999999999999") != nil)
    let long = String(repeating: "9", count: 500_000)
    #expect(try check(#"{"multipleOf":3}"#, long) == nil)
    #expect(try check(#"{"multipleOf":3}"#, long + "1") != nil)
  }

  /// One character can have any number of bytes.
  @Test func whatIsToldIsShortInBytes() throws {
    let letter = "a" + String(repeating: "\u{301}", count: 100_000)
    let faults = [
      try check(#"{"enum":["x"]}"#, "\"\(letter)\""), try check(#"{"pattern":"^x$"}"#, "\"\(letter)\""),
      try check(#"{"propertyNames":{"pattern":"^x$"}}"#, "{\"\(letter)\":1}"),
      try check("true", "{\"\(letter)\":1,\"\(letter)\":1}"),
      try check("true", "{\"\(String(repeating: "k", count: 100_000))\":1,\"\(String(repeating: "k", count: 100_000))\":1}"),
    ]
    for fault in faults { #expect((1...200).contains(fault?.text.utf8.count ?? 0), "\(fault?.text.utf8.count ?? 0) bytes") }
  }

  /// The least of all integers has no magnitude among them; it stopped the server.
  @Test(arguments: ["integer", "number"]) func exponentsAtTheEndsOfIntegers(type: String) throws {
    for exponent in [Int.min, .min + 1, .max, -1_000_001, 1_000_001] {
      let schema = #"{"type":"\#(type)","minimum":0,"multipleOf":1,"enum":[1],"not":{"const":2}}"#
      #expect(try check(schema, "1e\(exponent)") != nil)
      _ = try check(#"{"uniqueItems":true}"#, "[1e\(exponent),2e\(exponent)]")
    }
  }

  /// What is longer than anything that is allowed is not written out to be compared.
  @Test func longValuesAreNotComparedWhole() throws {
    let long = "[" + String(repeating: "[1,2],", count: 100_000) + "[3]]"
    #expect(try check(#"{"oneOf":[{"properties":{"k":{"const":"a"}}},{"properties":{"k":{"const":"b"}}}]}"#, "{\"k\":\(long)}", stepCount: 10_000)?.text.contains("steps") == false)
    #expect(try check(#"{"enum":[[1],"x"]}"#, long, stepCount: 10_000)?.text.contains("expected, not an array") == true)
    let branches = (0..<50).map { "{\"properties\":{\"k\":{\"const\":[\($0)]}}}" }.joined(separator: ",")
    let nested = "{\"k\":[1" + String(repeating: "0", count: 100_000) + "]}"
    #expect(try check("{\"oneOf\":[\(branches)]}", nested, stepCount: 10_000)?.text.contains("steps") == true)
    #expect(try check(#"{"enum":[1]}"#, "1" + String(repeating: "0", count: 500_000), stepCount: 10_000)?.text.contains("steps") == true)
  }

  @Test func pointersAreShort() throws {
    let name = String(repeating: "n", count: 400)
    let fault = try check(#"{"additionalProperties":{"additionalProperties":{"type":"null"}}}"#, "{\"\(name)\":{\"\(name)\":1}}")
    #expect(fault?.path == "/\(name)")
  }

  /// Mistakes at random places of a good schema: refused or taken, never a trap.
  @Test func damagedSchemasAreRefusedOrTaken() {
    let good = Array(SchemaTests.cases.map(\.schema).joined(separator: ",").utf8)
    var state: UInt64 = 42
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<3_000 {
      var bytes = Array(("{\"allOf\":[" + String(decoding: good, as: UTF8.self) + "]}").utf8)
      for _ in 0..<1 + next(3) { bytes[next(bytes.count)] = UInt8(32 + next(95)) }
      guard let set = try? SchemaSet([.init(name: "e.json", bytes: bytes)]) else { continue }
      _ = set.fault(in: Array(#"{"a":[1,"x",{"b":null}]}"#.utf8), of: "e", version: 1)
    }
  }
}
