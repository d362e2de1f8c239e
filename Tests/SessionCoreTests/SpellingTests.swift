import SessionCore
import Testing

/// Messages that are spelled, or laid out, like one before are read by that, others by the general reader: all must find
/// the same.
struct SpellingTests {
  private static let values: [(String, [String])] = [
    ("v", ["2", "1", "3", "02", "12345678", "1.0", "1e1", "-1", "\"2\""]),
    ("seq", ["1", "7", "42", "99", "07", "9999999", "10000000", "12345678901", "9007199254740991", "9007199254740992", "0", "01", "1x"]),
    ("ack", ["0", "00", "1234567", "99999999", "null"]),
    ("type", [#""event""#, #""ack""#, #""hello""#, #""evènt""#, #""ev\u0065nt""#, "7"]),
    ("event", [#""echo""#, #""ech\u006f""#, #""a.b_c.d9""#, #""a..b""#, #""""#, #""abcdefghijklmnopqrstuvwxyz""#, "\"a\u{1}\"", "\"a\u{0}\""]),
    ("ev", ["1", "2", "0", "1234567"]),
    ("id", [#""1""#, #""2""#, ##""#""##, #""\""#, #""é""#, #""a\"b""#, #""a\\""#, #""12345678""#, #""1234567""#, #""123456789""#, "\"a\tb\""]),
    ("room", [#""r""#, #""room-\u00e9""#, #""😀""#]),
    ("key", [#""k""#, #""k\n""#]),
    ("re", [#""x""#, #""\u0078""#]),
    ("from", [#""s_AAAAAAAAAAAAAAAAAAAAAA""#, #""me""#]),
    ("pos", [#"["0123456789abcdef",7]"#, #"["0123456789abcdef", 7]"#, #""x""#, "[7"]),
    ("delivery", [#""transient""#, #""reliable""#]),
    ("unknown", ["1", "{}"]),
    ("payload", [
      #""abcdefghijklmnopqr""#, #""abcdefghijklmnopqé""#, #""abcdefghijklmn"pqr""#, #""abcdefghijklmn\nqr""#, #"{"a":7}"#, #"{"a":"é"}"#, #""""#, #""0123456""#, #""01234567""#, #""012345678""#, #""é""#, #"{"a":[1,{"b":null}]}"#, "{}", "[]", "1", "true", "-1.5e3",
      #"{"a":1"#, #""open"#, "[1,]",
    ]),
  ]

  private static func read(_ text: [UInt8], _ reader: inout EnvelopeReader) -> String {
    describe(text) { envelope throws(Envelope.Fault) in try reader.read(text.span, into: &envelope) }
  }

  private static func read(_ text: [UInt8]) -> String {
    describe(text) { envelope throws(Envelope.Fault) in envelope = try Envelope(parsing: text.span) }
  }

  private static func describe(_ text: [UInt8], _ read: (inout Envelope) throws(Envelope.Fault) -> Void) -> String {
    var envelope = Envelope()
    do throws(Envelope.Fault) {
      try read(&envelope)
      func said(_ field: JSONText?) -> String { field.map { $0.decoded(text.span) } ?? "-" }
      return """
        \(envelope.version) \(envelope.type) \(envelope.seq as Any) \(envelope.ack as Any) \(said(envelope.event)) \
        \(envelope.eventVersion) \(said(envelope.id)) \(said(envelope.re)) \(said(envelope.room)) \(said(envelope.key)) \(said(envelope.from)) \
        \(envelope.pos.map { String(decoding: text[$0], as: UTF8.self) } ?? "-") \
        \(envelope.isTransient) \(envelope.isHistory) \(envelope.payload.map { String(decoding: text[$0], as: UTF8.self) } ?? "-")
        """
    } catch {
      return "\(error)"
    }
  }

  /// Whether a message is taken by one of the ways; if it is, the general reader must find the same in it.
  private static func isRead(_ text: [UInt8], by read: (Span<UInt8>, Bool, inout Envelope) -> Bool) -> Bool {
    var isTaken = false
    let found = describe(text) { envelope throws(Envelope.Fault) in isTaken = read(text.span, false, &envelope) }
    if isTaken { #expect(found == SpellingTests.read(text), "\(String(decoding: text, as: UTF8.self))") }
    return isTaken
  }

  /// Sometimes there is none, which is no value.
  private static func value(_ key: String, _ random: inout ChaChaGenerator) -> String {
    guard let choice = values.first(where: { $0.0 == key })?.1, random.next() % 16 > 0 else { return "" }
    return choice[Int(random.next() % UInt64(choice.count))]
  }

  private static func members(_ random: inout ChaChaGenerator) -> [(String, String)] {
    var members: [(String, String)] = [("v", "2"), ("seq", "3"), ("ack", "2"), ("type", #""event""#), ("event", #""e""#), ("payload", "{}")]
    for _ in 0..<Int(random.next() % 3) {
      let key = values[Int(random.next() % UInt64(values.count))].0
      let value = value(key, &random)
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
    var (good, spelled, laidOut) = (0, 0, 0)
    for round in 0..<20_000 {
      let members = SpellingTests.members(&random)
      let (colon, comma) = [("", ""), (" ", " "), ("          ", ""), ("", "\t"), ("\t", "")][round % 5]
      let text = SpellingTests.text(members, afterColon: colon, afterComma: comma)
      var reader = EnvelopeReader()
      let first = SpellingTests.read(text, &reader)
      #expect(first == SpellingTests.read(text))
      var envelope = Envelope()
      let isGood = (try? reader.read(text.span, into: &envelope)) != nil
      let spelling = isGood ? EnvelopeSpelling(of: text.span, envelope) : nil
      let layout = isGood ? EnvelopeLayout(of: text.span, envelope, name: 1) : nil
      // What is spelled alike and says something else, right or wrong.
      for _ in 0..<4 {
        let others = members.map { ($0.0, random.next() % 6 == 0 ? SpellingTests.value($0.0, &random) : $0.1) }
        let other = SpellingTests.text(others, afterColon: colon, afterComma: comma)
        #expect(SpellingTests.read(other, &reader) == SpellingTests.read(other), "\(String(decoding: other, as: UTF8.self))")
        if let spelling, SpellingTests.isRead(other, by: spelling.read(_:isUTF8:into:)) { spelled += 1 }
        if let layout, SpellingTests.isRead(other, by: layout.read(_:isUTF8:into:)) { laidOut += 1 }
      }
      if isGood { good += 1 }
    }
    #expect(good > 5_000, "hardly any of these messages is a good one")
    #expect(spelled > good, "hardly any of these messages is read by its spelling")
    #expect(laidOut > good, "hardly any of these messages is read by its layout")
  }

  /// By each of the three ways: laid out, spelled, and taken apart.
  @Test(arguments: [1, 200, 5_000]) func whatIsNotUTF8IsMalformedUnlessItWasSeenBefore(count: Int) throws {
    func text(_ payload: [UInt8], seq: Int) -> [UInt8] {
      Array(#"{"v":2,"seq":\#(seq),"type":"event","event":"echo","payload":""#.utf8) + payload + Array("\"}".utf8)
    }
    let (good, bad) = (Array(String(repeating: "é", count: count).utf8), [UInt8](repeating: 0xE9, count: 2 * count))
    for seq in [1, 1_234] {
      var reader = EnvelopeReader()
      for _ in 0..<3 {
        var envelope = Envelope()
        try reader.read(text(good, seq: 7).span, into: &envelope)
        #expect(SpellingTests.read(text(bad, seq: seq), &reader).contains("not UTF-8"))
        #expect(SpellingTests.read(text(good, seq: seq), &reader) == SpellingTests.read(text(good, seq: seq)))
        envelope = Envelope()
        try reader.read(text(good, seq: seq).span, isUTF8: true, into: &envelope)
        #expect(envelope.seq == UInt64(seq))
        // Whoever says that it was seen is believed.
        envelope = Envelope()
        #expect(throws: Never.self) { try reader.read(text(bad, seq: seq).span, isUTF8: true, into: &envelope) }
      }
    }
  }

  /// However a message is cut short, it is no message, and nothing behind its end is read.
  @Test func noBeginningOfAMessageIsAMessage() throws {
    let text = Array(#"{"v":2,"seq":12,"ack":345,"type":"event","event":"echo","ev":1,"id":"1","room":"r","key":"k","payload":"01234567"}"#.utf8)
    var reader = EnvelopeReader()
    #expect(SpellingTests.read(text, &reader) == SpellingTests.read(text))
    for end in 0..<text.count {
      #expect(throws: Envelope.Fault.self) { try Envelope(parsing: text.span.extracting(0..<end)) }
      var envelope = Envelope()
      #expect(throws: Envelope.Fault.self) { try reader.read(text.span.extracting(0..<end), into: &envelope) }
    }
    #expect(SpellingTests.read(text, &reader) == SpellingTests.read(text))
  }

  /// Each byte of a message changed in each way: what its spelling or layout takes is what the general reader finds.
  @Test(arguments: [
    #"{"v":2, "seq":12,"ack":345,"type":"event","event":"echo","id":"1","room":"é","payload":"01234567"} "#,
    #"{"v":2,"seq":7,"ack":0,"type":"event","event":"a.b","key":"k","payload":{"a":[1,"x"],"é":null}}"#,
    #"{"v":2,"seq":1234567,"ack":1,"type":"event","event":"e","payload":"0123456789012345678901234567890123456789"}"#,
    #"{"v":2,"type":"ack","payload":{},"ack":12345678}"#,
  ])
  func oneByteThatDiffersIsSeen(_ message: String) throws {
    let text = Array(message.utf8)
    let envelope = try Envelope(parsing: text.span)
    #expect(EnvelopeLayout(of: text.span, envelope, name: 1) != nil)
    for place in text.indices {
      for byte in UInt8.min...UInt8.max {
        var reader = EnvelopeReader()
        _ = SpellingTests.read(text, &reader)
        var changed = text
        changed[place] = byte
        #expect(SpellingTests.read(changed, &reader) == SpellingTests.read(changed), "byte \(place) as \(byte)")
      }
    }
  }

  /// Messages of many lengths, each some times: no layout is taken for another's.
  @Test func manyLengthsAreReadAsWell() {
    var reader = EnvelopeReader()
    var random = ChaChaGenerator(seed: 11)
    func number() -> UInt64 { random.next() % [9, 99, 1_000, 20_000][Int(random.next() % 4)] + 1 }
    for _ in 0..<4_000 {
      let payload = String(repeating: "x", count: Int(random.next() % 20))
      let text = Array(#"{"v":2,"seq":\#(number()),"ack":\#(number()),"type":"event","event":"e","payload":"\#(payload)"}"#.utf8)
      #expect(SpellingTests.read(text, &reader) == SpellingTests.read(text))
    }
  }

  /// A copy of a reader keeps what it has learned, whatever the other one learns in its place.
  @Test func copiedReadersAreApart() {
    func text(_ blankCount: Int, _ seq: Int) -> [UInt8] {
      Array(#"{"v":2,"seq":\#(seq),"type":"event","event":"e",\#(String(repeating: " ", count: blankCount))"payload":"x"}"#.utf8)
    }
    var reader = EnvelopeReader()
    _ = SpellingTests.read(text(0, 1), &reader)
    var copy = reader
    // Lengths that have the same place.
    for round in 0..<400 { #expect(SpellingTests.read(text(16 * (round % 4), 2), &reader) == SpellingTests.read(text(16 * (round % 4), 2))) }
    reader = EnvelopeReader()
    for seq in 1...9 { #expect(SpellingTests.read(text(0, seq), &copy) == SpellingTests.read(text(0, seq))) }
  }

  /// A head becomes that of another number as if it were made for it.
  @Test(arguments: [0, 9, 99, 12_345] as [UInt64])
  func aHeadIsNumberedAnew(ack: UInt64) {
    let runs: [[UInt64]] = [
      Array(1...120), Array(995...1_005), [7, 9, 10, 8, 9], Array(99_999_995...100_000_005), [.max - 1, .max, 1],
    ]
    for run in runs {
      var head = MessageHead(numberedIn: 2, ack: ack)
      for (place, seq) in run.enumerated() {
        let isHistory = place % 5 == 3
        head.number(seq, isHistory: isHistory)
        var text: [UInt8] = []
        head.append(to: &text)
        let mark = isHistory ? #""history":true,"# : ""
        #expect(String(decoding: text, as: UTF8.self) == #"{"v":2,"seq":\#(seq),"ack":\#(ack),\#(mark)"#)
        #expect(head.byteCount == text.count)
      }
    }
  }

  /// What is frequent is known soon, also behind others that took all places.
  @Test func manySpellingsAreReadAsWell() {
    var reader = EnvelopeReader()
    for round in 0..<400 {
      let blanks = String(repeating: "\t", count: round % 40)
      let text = Array(#"{"v":2,\#(blanks)"ack":\#(round),"type":"ack","payload":{}}"#.utf8)
      #expect(SpellingTests.read(text, &reader) == SpellingTests.read(text))
    }
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
