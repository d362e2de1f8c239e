import SessionCore
import Testing

/// Messages are read in words where they are written the usual way, and by the general reader where they are not: both
/// must find the same.
struct UsualSpellingTests {
  private static let values: [(String, [String])] = [
    ("v", ["2", "1", "3", "02", "12345678", "1.0", "1e1", "-1", "\"2\""]),
    ("seq", ["1", "7", "42", "9999999", "10000000", "12345678901", "9007199254740991", "9007199254740992", "0", "01", "1x"]),
    ("ack", ["0", "00", "1234567", "99999999", "null"]),
    ("type", [#""event""#, #""ack""#, #""hello""#, #""evènt""#, #""ev\u0065nt""#, "7"]),
    ("event", [#""echo""#, #""a.b_c.d9""#, #""a..b""#, #""""#, #""abcdefghijklmnopqrstuvwxyz""#, "\"a\u{1}\"", "\"a\u{0}\""]),
    ("ev", ["1", "2", "0", "1234567"]),
    ("id", [#""1""#, #""é""#, #""a\"b""#, #""a\\""#, #""12345678""#, #""1234567""#, #""123456789""#, "\"a\tb\""]),
    ("room", [#""r""#, #""room-\u00e9""#, #""😀""#]),
    ("key", [#""k""#, #""k\n""#]),
    ("re", [#""x""#, #""\u0078""#]),
    ("from", [#""s_AAAAAAAAAAAAAAAAAAAAAA""#, #""me""#]),
    ("pos", [#"["0123456789abcdef",7]"#, #"["0123456789abcdef", 7]"#, #""x""#, "[7"]),
    ("delivery", [#""transient""#, #""reliable""#]),
    ("unknown", ["1", "{}"]),
    ("payload", [
      #""""#, #""0123456""#, #""01234567""#, #""012345678""#, #""é""#, #"{"a":[1,{"b":null}]}"#, "{}", "[]", "1", "true", "-1.5e3",
      #"{"a":1"#, #""open"#, "[1,]",
    ]),
  ]

  private static func read(_ text: [UInt8]) -> String {
    do {
      let envelope = try Envelope(parsing: text.span)
      func said(_ field: JSONText?) -> String { field.map { $0.decoded(text.span) } ?? "-" }
      return """
        \(envelope.version) \(envelope.type) \(envelope.seq as Any) \(envelope.ack as Any) \(said(envelope.event)) \
        \(envelope.eventVersion) \(said(envelope.id)) \(said(envelope.re)) \(said(envelope.room)) \(said(envelope.key)) \(said(envelope.from)) \
        \(envelope.pos.map { String(decoding: text[$0], as: UTF8.self) } ?? "-") \
        \(envelope.isTransient) \(envelope.payload.map { String(decoding: text[$0], as: UTF8.self) } ?? "-")
        """
    } catch {
      // What is wrong with it may differ with the spelling: a string without an end takes in what is behind it.
      if case .malformed = error { return "malformed" }
      return "\(error)"
    }
  }

  private static func members(_ random: inout ChaChaGenerator) -> [(String, String)] {
    var members: [(String, String)] = [("v", "2"), ("seq", "3"), ("ack", "2"), ("type", #""event""#), ("event", #""e""#), ("payload", "{}")]
    for _ in 0..<Int(random.next() % 3) {
      let (key, values) = values[Int(random.next() % UInt64(values.count))]
      // Sometimes there is none, which is no value.
      let value = random.next() % 16 == 0 ? "" : values[Int(random.next() % UInt64(values.count))]
      if let place = members.firstIndex(where: { $0.0 == key }), random.next() % 8 > 0 {
        members[place].1 = value
      } else {
        members.append((key, value))
      }
    }
    for place in members.indices.reversed() where random.next() % 2 == 0 {
      members.swapAt(place, Int(random.next() % UInt64(members.count)))
    }
    return members
  }

  private static func text(_ members: [(String, String)], afterColon: String, afterComma: String) -> [UInt8] {
    Array(("{" + members.map { "\"\($0.0)\":\(afterColon)\($0.1)" }.joined(separator: "," + afterComma) + "}").utf8)
  }

  @Test func bothReadersFindTheSame() {
    var random = ChaChaGenerator(seed: 7)
    var count = 0
    for _ in 0..<20_000 {
      let members = UsualSpellingTests.members(&random)
      // The general reader alone: a tab in front of each value and each key but the first.
      let expected = UsualSpellingTests.read(UsualSpellingTests.text(members, afterColon: "\t", afterComma: "\t"))
      for (colon, comma) in [("", ""), (" ", " "), ("          ", ""), ("", "\t"), ("\t", "")] {
        let text = UsualSpellingTests.text(members, afterColon: colon, afterComma: comma)
        #expect(UsualSpellingTests.read(text) == expected, "\(String(decoding: text, as: UTF8.self))")
      }
      if expected.hasPrefix("2 event") { count += 1 }
    }
    #expect(count > 5_000, "hardly any of these messages is a good one")
  }

  /// However a message is cut short, it is no message, and nothing behind its end is read.
  @Test func noBeginningOfAMessageIsAMessage() throws {
    let text = Array(#"{"v":2,"seq":12,"ack":345,"type":"event","event":"echo","ev":1,"id":"1","room":"r","key":"k","payload":"01234567"}"#.utf8)
    for end in 0..<text.count { #expect(throws: Envelope.Fault.self) { try Envelope(parsing: text.span.extracting(0..<end)) } }
    _ = try Envelope(parsing: text.span)
  }

  @Test func numbersAreReadAndWrittenAlike() throws {
    var numbers: [UInt64] = [0]
    for power in 0..<20 {
      let base = (0..<power).reduce(1) { value, _ in value * 10 } as UInt64
      numbers += [base, base - 1, base + 1, base &* 9]
    }
    for number in numbers + [.max] {
      var text: [UInt8] = []
      MessageWriter.appendHead(version: 2, seq: number, ack: number, to: &text)
      #expect(String(decoding: text, as: UTF8.self) == #"{"v":2,"seq":\#(number),"ack":\#(number),"#)
      #expect(JSONValue.int(number).text == String(number))
      guard number <= 9_007_199_254_740_991 else { continue }
      let message = Array(#"{"v":2,"ack":\#(number),"type":"ack","payload":{}}"#.utf8)
      #expect(try Envelope(parsing: message.span).ack == number)
    }
  }
}
