import Testing

import SessionCore

@Suite struct JSONTests {
  @Test(arguments: [
    #"{"a":[1,-2.5e+3,true,false,null,"x"],"b":{}}"#, #"[]"#, #"[[],{},[{}]]"#, #""é😀""#, "0", "-0.1",
    #"{"a":{"b":{"c":[1,2,{"d":[]}]}}}"#,
  ])
  func aValueIsWrittenAsItWasRead(text: String) throws {
    #expect(try JSONValue(parsing: Array(text.utf8)).text == text)
  }

  @Test func escapesAreUndoneAndDone() throws {
    let value = try JSONValue(parsing: Array(#""\u0041\n\t\"\\\/\uD83D\uDE00\u0001é""#.utf8))
    #expect(value == .string("A\n\t\"\\/😀\u{1}é"))
    #expect(value.text == #""A\n\t\"\\/😀\u0001é""#)
  }

  @Test(arguments: [
    "", " ", "{", "}", "[1,]", "[,1]", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{a:1}"#, "01", "-", "1.", "1e", ".5", "+1",
    "nul", "truex", "1 2", "[1 2]", #"{"a":1 "b":2}"#, #"{"a":1,"a":2}"#, "\"\u{1}\"", #""\x""#, #""\u12""#,
    #""\uD800""#, #""\uDC00\uD800""#, #"""#, #"{"a":1]"#, "[1}", "NaN", "'a'", "[1]]", "{}{}",
  ])
  func whatIsNotJSONIsRefused(text: String) {
    #expect(throws: Malformed.self) { try JSONValue(parsing: Array(text.utf8)) }
  }

  /// All kinds of escapes, many of them, between texts: each is undone where it stands.
  @Test func manyEscapesAreUndone() throws {
    let value = try JSONValue(parsing: Array(("\"" + String(repeating: #"\n\u00e9é\ud83d\ude00ab"#, count: 50_000) + "\"").utf8))
    #expect(value == .string(String(repeating: "\néé😀ab", count: 50_000)))
  }

  @Test(arguments: ["id", "room", "key", "event"]) func boundsHoldForEscapedTexts(field: String) throws {
    let limit = field == "id" ? 64 : 128
    func message(_ count: Int, _ escape: String) -> [UInt8] {
      var members = [#""v":2"#, #""type":"event""#, #""seq":1"#, #""payload":1"#]
      if field != "event" { members.append(#""event":"a""#) }
      members.append("\"\(field)\":\"\(String(repeating: escape, count: count))\"")
      return Array("{\(members.joined(separator: ","))}".utf8)
    }
    #expect(throws: Never.self) { try Envelope(parsing: message(limit, #"\u0061"#).span) }
    for count in [0, limit + 1, 10_000] {
      #expect(throws: Envelope.Fault.self) { try Envelope(parsing: message(count, #"\u0061"#).span) }
    }
  }

  @Test func badUTF8IsRefused() {
    #expect(throws: Malformed.self) { try JSONValue(parsing: [0x22, 0xED, 0xA0, 0x80, 0x22]) }
  }

  @Test func depthIsBoundedExactly() throws {
    let nested = { (levels: Int) in Array(String(repeating: "[", count: levels).utf8) + Array(String(repeating: "]", count: levels).utf8) }
    #expect(throws: Never.self) { try JSONValue(parsing: nested(64)) }
    #expect(throws: Malformed.self) { try JSONValue(parsing: nested(65)) }
    #expect(throws: Malformed.self) { try JSONValue(parsing: nested(100_000)) }
  }

  @Test func wholeNumbersAreThoseOfTheProtocol() throws {
    #expect(try JSONValue(parsing: Array("9007199254740991".utf8)).unsignedValue == 9_007_199_254_740_991)
    for text in ["9007199254740992", "-1", "1.0", "1e3", "\"1\""] {
      #expect(try JSONValue(parsing: Array(text.utf8)).unsignedValue == nil)
    }
  }
}
