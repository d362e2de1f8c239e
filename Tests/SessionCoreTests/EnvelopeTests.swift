import Testing

import SessionCore

private func read(_ text: String) throws(Envelope.Fault) -> Envelope {
  try Envelope(parsing: Array(text.utf8).span)
}

private func fault(_ text: String) -> Envelope.Fault? {
  do {
    _ = try read(text)
    return nil
  } catch {
    return error
  }
}

@Suite struct EnvelopeTests {
  @Test func everyFieldIsReadInAnyOrder() throws {
    let text =
      #" {"payload":{"text":"hi","v":[3]},"room":"lobby","id":"c-1","ev":3,"event":"chat.send","type":"event","#
      + #""delivery":"reliable","key":"k","from":"s_AAAAAAAAAAAAAAAAAAAAAA","pos":["00112233445566aa",7],"re":"x","ack":42,"seq":17,"v":2,"new":{"a":1}} "#
    let bytes = Array(text.utf8)
    let envelope = try read(text)
    let slice = { (range: Range<Int>?) in range.map { String(decoding: bytes[$0], as: UTF8.self) } }
    #expect(envelope.version == 2 && envelope.seq == 17 && envelope.ack == 42 && envelope.eventVersion == 3)
    #expect(envelope.type == .event && !envelope.isTransient)
    #expect(slice(envelope.payload) == #"{"text":"hi","v":[3]}"#)
    #expect(slice(envelope.event?.range) == "chat.send")
    #expect(slice(envelope.id?.range) == "c-1")
    #expect(slice(envelope.re?.range) == "x")
    #expect(slice(envelope.room?.range) == "lobby")
    #expect(slice(envelope.key?.range) == "k")
    #expect(slice(envelope.from?.range) == "s_AAAAAAAAAAAAAAAAAAAAAA")
    #expect(slice(envelope.pos) == #"["00112233445566aa",7]"#)
  }

  @Test(arguments: [
    #"[]"#, #"{}"#, #"{"type":"ack","ack":1}"#, #"{"v":"2","type":"ack"}"#, #"{"v":2.0,"type":"ack"}"#,
    #"{"v":-2,"type":"ack"}"#, #"{"v":2,"v":2,"type":"ack"}"#, #"{"v":2,"\u0076":2,"type":"ack"}"#,
    #"{"v":2,"type":"ack","x":1,"x":2}"#, #"{"v":2,"type":"shout"}"#, #"{"v":2,"type":"ack","ack":1}x"#,
    #"{"v":2,"type":"event","event":"a"}"#, #"{"v":2,"type":"event","payload":1}"#, #"{"v":2,"type":"join"}"#,
    #"{"v":2,"type":"event","event":"A","payload":1}"#, #"{"v":2,"type":"event","event":"a..b","payload":1}"#,
    #"{"v":2,"type":"event","event":".a","payload":1}"#, #"{"v":2,"type":"event","event":"a.","payload":1}"#,
    #"{"v":2,"seq":0,"type":"event","event":"a","payload":1}"#, #"{"v":2,"type":"event","event":"","payload":1}"#,
    #"{"v":2,"seq":9007199254740992,"type":"event","event":"a","payload":1}"#,
    #"{"v":2,"ack":-1,"type":"ack"}"#, #"{"v":2,"type":"ack","id":""}"#, #"{"v":2,"type":"ack","delivery":"maybe"}"#,
    #"{"v":2,"type":"ack","crit":"x"}"#, #"{"v":2,"type":"event","event":"a","ev":0,"payload":1}"#, #"{"v":2"#,
  ])
  func whatIsNotAMessage(text: String) {
    guard case .malformed = fault(text) else {
      Issue.record("\(text) gave \(String(describing: fault(text)))")
      return
    }
  }

  @Test func anotherVersionIsNamedBeforeTheRestIsJudged() {
    #expect(fault(#"{"v":3,"type":"whisper"}"#) == .version(3))
    #expect(fault(#"{"v":0}"#) == .version(0))
  }

  @Test func aCriticalExtensionMustBeKnown() {
    #expect(fault(#"{"v":2,"type":"ack","crit":["zip"]}"#) == .extensionUnsupported("zip"))
    #expect(fault(#"{"v":2,"type":"ack","crit":[]}"#) == nil)
  }

  /// Found by the fuzzer: the spelling with bits left over was let in, and its escaped form was not.
  @Test(arguments: [
    ("s_AAAAAAAAAAAAAAAAAAAAAA", true), ("s_AAAAAAAAAAAAAAAAAAAAAQ", true), ("s_AAAAAAAAAAAAAAAAAAAAAg", true),
    ("s_AAAAAAAAAAAAAAAAAAAAAw", true), ("s_AAAAAAAAAAAAAAAAAABool", false), ("s_AAAAAAAAAAAAAAAAAAAAAB", false),
    ("s_AAAAAAAAAAAAAAAAAAAAA", false), ("s_AAAAAAAAAAAAAAAAAAAAAAA", false), ("c_AAAAAAAAAAAAAAAAAAAAAA", false),
    ("s_AAAAAAAAAAAAAAAAAAAA=A", false),
  ])
  func aSessionIDHasOneSpelling(sid: String, isLegal: Bool) {
    #expect((fault(#"{"v":2,"type":"ack","from":"\#(sid)"}"#) == nil) == isLegal)
    #expect((fault(#"{"v":2,"type":"ack","from":"\u0073\#(sid.dropFirst())"}"#) == nil) == isLegal || !sid.hasPrefix("s"))
    #expect((SessionID(sid) != nil) == isLegal)
  }

  /// Types are known by their bytes as one number, in which a zero in front does not show.
  @Test(arguments: [
    (#"\u0061ck"#, true), (#"\u0000ack"#, false), (#"\u0000\u0000\u0000event"#, false), (#"ack\u0000"#, false),
    (#"\u0000"#, false), ("", false), ("acks", false), ("welcomes!", false), (#"\u0000welcome"#, false),
  ])
  func aTypeIsComparedByItsBytes(type: String, isLegal: Bool) {
    #expect((fault(#"{"v":2,"type":"\#(type)","event":"e","payload":0}"#) == nil) == isLegal)
  }

  /// Keys are known by their bytes as one number, too: those of at most seven bytes at once, the others by a search.
  @Test(arguments: [
    ("v", true), (#"\u0076"#, true), (#"\u0000v"#, false), ("pos", true), ("payload", true), ("delivery", true),
    (#"\u0064elivery"#, true), ("xdelivery", false), ("", false),
  ])
  func aKeyIsComparedByItsBytes(key: String, isKnown: Bool) {
    let message = #"{"v":2,"type":"ack","pos":["0000000000000001",1],"delivery":"reliable","payload":{},"\#(key)":1}"#
    guard case .malformed(let malformed)? = fault(message) else { return #expect(!isKnown) }
    #expect(isKnown && malformed.reason.hasPrefix("duplicate key"))
  }

  @Test func lengthsAreBoundedExactly() {
    for (field, limit) in [("id", 64), ("room", 128), ("key", 128), ("re", 64)] {
      let message = { (count: Int) in #"{"v":2,"type":"ack","\#(field)":"\#(String(repeating: "x", count: count))"}"# }
      #expect(fault(message(limit)) == nil)
      #expect(fault(message(limit + 1)) != nil)
    }
    #expect(fault(#"{"v":2,"type":"event","event":"\#(String(repeating: "e", count: 129))","payload":0}"#) != nil)
  }

  @Test func theDepthOfTheWholeMessageIsBounded() {
    let message = { (levels: Int) in
      #"{"v":2,"type":"event","event":"a","payload":"#
        + String(repeating: "[", count: levels) + String(repeating: "]", count: levels) + "}"
    }
    #expect(fault(message(63)) == nil)
    #expect(fault(message(64)) != nil)
  }
}
