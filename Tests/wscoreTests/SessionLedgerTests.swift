import SessionCore
import Testing
import wscore

@Suite struct SessionLedgerTests {
  private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

  private func welcome(resumed: Bool = false, more: String = "") throws -> JSONValue {
    try json(
      #"{"v":2,"ack":0,"type":"welcome","payload":{"version":2,"sid":"s_1","gen":1,"resumed":\#(resumed)\#(more)}}"#)
  }

  private func event(_ seq: UInt64, ack: UInt64 = 0) throws -> JSONValue {
    try json(#"{"v":2,"seq":\#(seq),"ack":\#(ack),"type":"event","event":"x","payload":1}"#)
  }

  /// A session that is live and has received 1…count.
  private func ledger(received count: UInt64) throws -> SessionLedger {
    var ledger = SessionLedger()
    _ = ledger.received(try welcome())
    _ = ledger.received(try json(#"{"v":2,"type":"live","payload":{}}"#))
    for seq in 1...count { _ = ledger.received(try event(seq)) }
    return ledger
  }

  @Test func countsWithoutAlarm() throws {
    let ledger = try ledger(received: 3)
    #expect(ledger.lastIn == 3 && ledger.holes == 0 && ledger.duplicates == 0 && ledger.replayed == 0)
  }

  @Test func holesAndDuplicatesAreAlarms() throws {
    var ledger = try ledger(received: 3)
    let hole = ledger.received(try event(6))
    #expect(hole == [.hole(from: 4, to: 5)])
    let duplicate = ledger.received(try event(6))
    #expect(duplicate == [.duplicate(seq: 6)])
    #expect(ledger.holes == 2 && ledger.duplicates == 1 && ledger.lastIn == 6)
  }

  @Test func aGapStandsForWhatDidNotCome() throws {
    var ledger = try ledger(received: 3)
    let gap = try json(#"{"v":2,"type":"gap","payload":{"from":2,"to":7,"count":6,"reason":"overflow"}}"#)
    let alarms = ledger.received(gap)
    #expect(alarms == [.gap(from: 4, to: 7, reason: "overflow")])
    let again = ledger.received(gap)
    #expect(again.isEmpty)
    let next = ledger.received(try event(8))
    #expect(next.isEmpty && ledger.gaps == 4 && ledger.holes == 0)
  }

  @Test func aReplayIsCounted() throws {
    var ledger = try ledger(received: 3)
    let before = ledger
    _ = ledger.received(try welcome(resumed: true))
    for seq: UInt64 in 4...10 { _ = ledger.received(try event(seq)) }
    _ = ledger.received(try json(#"{"v":2,"type":"live","payload":{}}"#))
    _ = ledger.received(try event(11))
    let verdict = FaultVerdict(fault: "rst", before: before, after: ledger, elapsed: .milliseconds(84))
    #expect(verdict.text(arrow: "->") == "fault rst -> resumed in 84 ms, replayed 7, lost 0, dup 0")
  }

  @Test func aNewSessionTellsWhatIsUnknown() throws {
    var ledger = try ledger(received: 3)
    for seq in 1...4 { ledger.sent(try json(#"{"v":2,"seq":\#(seq),"type":"event","event":"x","payload":1}"#)) }
    #expect(ledger.unacknowledged == 4)
    let before = ledger
    let alarms = ledger.received(try welcome(more: #","reason":"expired","lost":{"last_in":3}"#))
    #expect(alarms == [.unknown(count: 1)])
    #expect(ledger.lastIn == 0 && ledger.lastOut == 0 && ledger.isSettled)
    let verdict = FaultVerdict(fault: "fin", before: before, after: ledger, elapsed: .seconds(2))
    #expect(verdict.text(arrow: "->") == "fault fin -> new session (expired) in 2 s, replayed 0, lost 1, dup 0")
  }

  @Test func aNumberingThatBeginsAnewTellsWhatIsUnknown() throws {
    var ledger = try ledger(received: 3)
    for seq in 1...4 { ledger.sent(try json(#"{"v":2,"seq":\#(seq),"type":"event","event":"x","payload":1}"#)) }
    _ = ledger.received(try json(#"{"v":2,"ack":1,"type":"ack","payload":{}}"#))
    let alarms = ledger.received(
      try json(
        #"{"v":2,"ack":0,"type":"welcome","payload":{"version":2,"sid":"s_1","resumed":true,"rebuilt":true,"last_in":0}}"#))
    #expect(alarms == [.unknown(count: 3)])
    #expect(ledger.unknown == 3 && ledger.unacknowledged == 0)
  }

  @Test func repliesSettle() throws {
    var ledger = try ledger(received: 1)
    ledger.sent(try json(#"{"v":2,"seq":1,"type":"event","event":"echo","id":"c-1","payload":1}"#))
    #expect(!ledger.isSettled)
    _ = ledger.received(try event(2, ack: 1))
    #expect(!ledger.isSettled && ledger.unacknowledged == 0)
    _ = ledger.received(try json(#"{"v":2,"seq":3,"ack":1,"type":"reply","re":"c-1","payload":1}"#))
    #expect(ledger.isSettled)
  }

  @Test func roomsFollowTheReplies() throws {
    var ledger = try ledger(received: 1)
    _ = ledger.received(
      try json(#"{"v":2,"seq":2,"type":"reply","payload":{"room":"lobby","pos":["00",1],"members":1}}"#))
    #expect(ledger.rooms == ["lobby"])
    _ = ledger.received(try json(#"{"v":2,"seq":3,"type":"reply","payload":{"room":"lobby","members":0}}"#))
    #expect(ledger.rooms.isEmpty)
  }

  @Test func whatIsAskedForAgainIsNoDuplicate() throws {
    var ledger = try ledger(received: 5)
    ledger.rewind(to: 3)
    _ = ledger.received(try welcome(resumed: true))
    let alarms = ledger.received(try event(4))
    #expect(alarms.isEmpty && ledger.replayed == 1)
  }
}

@Suite struct OutputTests {
  private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

  private let hello =
    #"{"v":2,"type":"hello","payload":{"auth":{"scheme":"token","credential":"C"},"resume":{"token":"T"}}}"#

  @Test func secretsAreTakenOut() throws {
    let shown = Redaction.redact(try json(hello)).text
    #expect(shown == hello.replacing("\"C\"", with: "\"…\"").replacing("\"T\"", with: "\"…\""))
    let event = try json(#"{"v":2,"seq":1,"type":"event","event":"x","payload":{"token":"mine"}}"#)
    #expect(Redaction.redact(event) == event)
    // A message whose type cannot be told may be a hello that was mistyped.
    #expect(!Redaction.redact(try json(hello.replacing("hello", with: "helo"))).text.contains("\"T\""))
  }

  @Test func ndjson() throws {
    let message = try json(#"{"v":2,"seq":7,"ack":1,"type":"event","event":"x","payload":1}"#)
    let report = Report(.frame(.in, message, byteCount: 60), session: "s_1", connection: 3)
    let line = NDJSONRenderer().render(report, timestamp: "T", monotonic: 5)
    #expect(line == #"{"v":1,"ts":"T","mono_ns":5,"kind":"frame","dir":"in","session":"s_1","conn":3,"seq":7,"ack":1,"#
      + #""type":"event","event":"x","envelope":{"v":2,"seq":7,"ack":1,"type":"event","event":"x","payload":1}}"#)
    let broken = Report(.frame(.out, nil, byteCount: 9), session: nil, connection: 1)
    #expect(NDJSONRenderer().render(broken, timestamp: "T", monotonic: 5)
      == #"{"v":1,"ts":"T","mono_ns":5,"kind":"frame","dir":"out","conn":1,"malformed":true,"bytes":9}"#)
    let note = Report(.note("x"), session: nil, connection: 1)
    #expect(NDJSONRenderer().render(note, timestamp: "T", monotonic: 5) == nil)
  }

  @Test func textDoesNotSteerTheTerminal() throws {
    let message = try json(#"{"v":2,"seq":7,"type":"event","event":"x","room":"a\u001b[2J","payload":"\u009b1m"}"#)
    let renderer = TextRenderer(style: Style(isColoured: false), isUTF8: true, showsTimes: false)
    let lines = renderer.render(Report(.frame(.in, message, byteCount: 9), session: nil, connection: 1), time: "")
    #expect(lines == [#"< x #7 in a\u{1b}[2J "\u{9b}1m""#])
  }

  @Test func prompts() throws {
    var ledger = SessionLedger()
    _ = ledger.received(
      try json(#"{"v":2,"type":"welcome","payload":{"version":2,"sid":"s_7f3aXYZ","resumed":false}}"#))
    let plain = Style(isColoured: false)
    func text(_ state: LinkState) -> String { Prompt.text(state, ledger, now: 1_400_000_000, style: plain) }
    #expect(text(.online) == "[online s_7f3a in=0 out=0]> ")
    #expect(text(.resuming(attempt: 2, since: 0)) == "[resuming 2 1.4s]> ")
    #expect(text(.closed(.init(code: 4504, reason: "x"))) == "[closed 4504 replaced]> ")
    #expect(text(.closed(.init(code: nil, reason: "connection refused"))) == "[closed connection_refused]> ")
    #expect(Prompt.text(.offline, ledger, now: 0, style: Style(isColoured: true))
      == "[\u{1}\u{1B}[33m\u{2}offline\u{1}\u{1B}[0m\u{2}]> ")
  }

  @Test func endingsHaveTheirStatus() {
    func status(_ code: UInt16?) -> wscore.ExitStatus { LinkState.Ending(code: code, reason: "").status }
    #expect(status(4503) == .notPermitted && status(4500) == .protocolError && status(4504) == .failed)
    #expect(status(1012) == .tryAgain && status(UInt16?.none) == .unavailable)
  }

  @Test func inboxGivesEachMessageOnce() throws {
    var inbox = Inbox()
    for n in 1...2 { inbox.append(.init(envelope: try json(#"{"type":"event","event":"p","payload":{"n":\#(n)}}"#))) }
    inbox.append(.init(envelope: try json(#"{"type":"reply","payload":1}"#)))
    #expect(inbox.contents == "p x2, reply")
    let second = inbox.take(MessageExpectation(name: Glob("p"), conditions: [.init(path: ["n"], value: 2)]))
    let first = inbox.take(MessageExpectation(name: Glob("p")))
    let none = inbox.take(MessageExpectation(name: Glob("p")))
    #expect(second && first && !none)
  }
}
