import SessionCore
import Testing

/// A client's session and a server made of strings.
final class ClientBench {
  var session: ClientSession
  var now = Instant.zero
  private var actions: [ClientAction] = []
  static let epoch = "00000000000000aa"

  init(_ configure: (inout ClientSession.Configuration) -> Void = { _ in }) {
    var configuration = ClientSession.Configuration()
    configure(&configuration)
    session = ClientSession(configuration)
  }

  /// What was asked for since the last call, in short words.
  func take() -> [String] {
    defer { actions.removeAll() }
    return actions.map { action in
      switch action {
      case .transmit(let bytes): String(decoding: bytes, as: UTF8.self)
      case .transportPing: "transport ping"
      case .welcomed(let notice): "welcomed \(notice.sid) resumed \(notice.isResumed) resent \(notice.resentCount)"
      case .live: "live"
      case .outcome(let tickets, let outcome): "\(tickets.lowerBound)-\(tickets.upperBound) \(outcome)"
      case .gap(let gap): "gap \(gap.from)-\(gap.to) \(gap.reason)"
      case .session(let notice): "session \(notice.state)"
      case .draining(let notice): "draining \(notice.reconnectAfterMilliseconds)"
      case .retryAfter(let milliseconds): "retry after \(milliseconds)"
      case .fault(let fault): "fault \(fault)"
      case .close(let code, _): "close \(code.rawValue)"
      }
    }
  }

  func open() { session.opened(now: now, actions: &actions) }
  func close() { session.closed(now: now, actions: &actions) }

  /// What is handed to the application: its number and payload, nil if nothing is.
  @discardableResult func hear(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    guard let envelope = session.receive(bytes.span, now: now, actions: &actions) else { return nil }
    let message = IncomingMessage(envelope, bytes.span)
    return "\(message.seq.map { "\($0)" } ?? "-") \(message.payloadText)"
  }

  func welcome(
    _ extra: String = #""resumed":false,"last_in":0"#, sid: String = "s_1", epoch: String = ClientBench.epoch,
    window: Int = 2
  ) {
    hear(
      #"{"v":2,"ack":0,"type":"welcome","payload":{"version":2,"sid":"\#(sid)","epoch":"\#(epoch)","gen":1,"#
        + #""token":"t","ttl_ms":1000,"window":{"messages":\#(window),"bytes":1000},"#
        + #""ping":{"interval_ms":1000,"timeout_ms":500},\#(extra)}}"#)
  }

  /// Connects, is welcomed and live; what that made is thrown away.
  func start() {
    open()
    welcome()
    hear(#"{"v":2,"ack":0,"type":"live","payload":{}}"#)
    _ = take()
  }

  func event(_ seq: UInt64, ack: UInt64 = 0) -> String? {
    hear(#"{"v":2,"seq":\#(seq),"ack":\#(ack),"type":"event","event":"e","payload":\#(seq)}"#)
  }

  @discardableResult func send(_ payload: String = "1") -> UInt64? {
    try? session.send(event: "e", payload: Array(payload.utf8), now: now, actions: &actions)
  }

  func join(_ room: String) { _ = try? session.join(room, now: now, actions: &actions) }
  func leave(_ room: String) { _ = try? session.leave(room, now: now, actions: &actions) }
  func raw(_ text: String) { _ = try? session.sendRaw(Array(text.utf8), actions: &actions) }
  func acknowledge(_ seq: UInt64?) { session.acknowledge(seq, actions: &actions) }
  func bye() { session.bye(actions: &actions) }
  func flush() { session.flush(now: now, actions: &actions) }

  func wait(_ milliseconds: UInt64) {
    now = now.advanced(byMilliseconds: milliseconds)
    session.advance(now: now, actions: &actions)
  }
}

@Suite struct ClientSessionTests {
  @Test func aNewSessionSaysHelloAndGoesLive() {
    let bench = ClientBench { $0.auth = .init(scheme: "none", credential: Secret("ann")) }
    bench.open()
    #expect(
      bench.take() == [
        #"{"v":2,"type":"hello","payload":{"versions":[2],"auth":{"scheme":"none","credential":"ann"}}}"#
      ])
    bench.welcome()
    #expect(bench.session.phase == .replaying)
    bench.hear(#"{"v":2,"ack":0,"type":"live","payload":{}}"#)
    #expect(bench.take() == ["welcomed s_1 resumed false resent 0", "live"])
    #expect(bench.session.phase == .live)
  }

  @Test func sendsAreNumberedAndTheRestWaitsForTheWindow() {
    let bench = ClientBench()
    bench.send()
    bench.start()
    #expect(bench.session.unackedCount == 1)
    #expect(bench.send() == 2)
    #expect(bench.send() == 3)
    #expect(bench.take() == [#"{"v":2,"seq":2,"ack":0,"type":"event","event":"e","payload":1}"#])
    #expect(bench.session.queuedCount == 1)
    bench.hear(#"{"v":2,"ack":2,"type":"ack","payload":{}}"#)
    #expect(bench.take() == ["1-2 acked", #"{"v":2,"seq":3,"ack":0,"type":"event","event":"e","payload":1}"#])
  }

  @Test func theQueueIsBounded() {
    let bench = ClientBench { $0.queue = Window(messageCount: 2, byteCount: 1_000) }
    #expect(bench.send() == 1)
    #expect(bench.send(String(repeating: "1", count: 990)) == nil)
    #expect(bench.send() == 2)
    #expect(bench.send() == nil)
  }

  @Test func whatCameIsAcknowledgedAfterAQuarterOfTheWindowOrADelay() {
    let bench = ClientBench { $0.window = Window(messageCount: 12, byteCount: 100_000) }
    bench.open()
    bench.welcome(window: 256)
    bench.hear(#"{"v":2,"ack":0,"type":"live","payload":{}}"#)
    _ = bench.take()
    #expect(bench.event(1) == "1 1" && bench.event(2) == "2 2")
    bench.flush()
    #expect(bench.take() == [])
    #expect(bench.event(3) == "3 3")
    bench.flush()
    #expect(bench.take() == [#"{"v":2,"ack":3,"type":"ack","payload":{}}"#])
    bench.flush()
    #expect(bench.take() == [])
  }

  @Test func anAcknowledgementRidesOnWhatGoesOut() {
    let bench = ClientBench()
    bench.start()
    _ = bench.event(1)
    bench.send()
    #expect(bench.take() == [#"{"v":2,"seq":1,"ack":1,"type":"event","event":"e","payload":1}"#])
    bench.flush()
    #expect(bench.take() == [])
    _ = bench.event(2)
    bench.hear(#"{"v":2,"ack":0,"type":"ping","payload":{}}"#)
    #expect(bench.take() == [#"{"v":2,"ack":2,"type":"pong","payload":{}}"#])
  }

  @Test func duplicatesAreDroppedAndCounted() {
    let bench = ClientBench()
    bench.start()
    #expect(bench.event(1) == "1 1")
    #expect(bench.event(1) == nil)
    #expect(bench.session.counters.duplicates == 1)
    bench.flush()
    #expect(bench.take() == [#"{"v":2,"ack":1,"type":"ack","payload":{}}"#])
  }

  @Test func aHoleClosesTheConnectionAndTheSessionIsResumedBeforeIt() {
    let bench = ClientBench()
    bench.start()
    _ = bench.event(1)
    #expect(bench.event(3) == nil)
    #expect(bench.take() == ["fault the server sent 3 where 2 was due", "close 4001"])
    #expect(bench.event(2) == nil)
    bench.close()
    bench.open()
    #expect(
      bench.take() == [
        #"{"v":2,"type":"hello","payload":{"versions":[2],"resume":{"sid":"s_1","token":"t","#
          + #""epoch":"00000000000000aa","ack":1}}}"#
      ])
  }

  @Test func aResumeSendsAgainWhatIsAboveLastIn() {
    let bench = ClientBench()
    bench.start()
    bench.send("10")
    bench.send("20")
    bench.send("30")
    _ = bench.take()
    bench.close()
    bench.open()
    #expect(bench.take()[0].hasSuffix(#""ack":0,"first_unacked":1}}}"#))
    bench.welcome(#""resumed":true,"last_in":1"#)
    #expect(
      bench.take() == [
        "1-1 acked", #"{"v":2,"seq":2,"ack":0,"type":"event","event":"e","payload":20}"#,
        #"{"v":2,"seq":3,"ack":0,"type":"event","event":"e","payload":30}"#, "welcomed s_1 resumed true resent 1",
      ])
  }

  @Test func aNewSessionLeavesSendsUnknownOrDelivered() {
    let bench = ClientBench()
    bench.start()
    bench.send()
    bench.send()
    bench.send("3")
    bench.close()
    bench.open()
    _ = bench.take()
    bench.welcome(
      #""resumed":false,"reason":"expired","last_in":0,"lost":{"last_in":1}"#, sid: "s_2", epoch: "00000000000000bb")
    #expect(
      bench.take() == [
        "1-1 delivered", "2-2 unknown", #"{"v":2,"seq":1,"ack":0,"type":"event","event":"e","payload":3}"#,
        "welcomed s_2 resumed false resent 0",
      ])
    #expect(bench.session.counters.unknown == 1)
  }

  @Test func anotherEpochBeginsTheNumbersAnew() {
    let bench = ClientBench()
    bench.start()
    _ = bench.event(1)
    bench.send()
    bench.close()
    bench.open()
    _ = bench.take()
    bench.welcome(#""resumed":true,"rebuilt":true,"last_in":0"#, epoch: "00000000000000bb")
    #expect(bench.take() == ["1-1 unknown", "welcomed s_1 resumed true resent 0"])
    #expect(bench.event(1) == "1 1")
  }

  @Test func aGapStandsForItsNumbersOnce() {
    let bench = ClientBench()
    bench.start()
    _ = bench.event(1)
    bench.hear(#"{"v":2,"ack":0,"type":"gap","payload":{"from":1,"to":4,"count":4,"rooms":["a"],"reason":"overflow"}}"#)
    #expect(bench.take() == ["gap 2-4 overflow"])
    bench.hear(#"{"v":2,"ack":0,"type":"gap","payload":{"from":3,"to":4,"count":2,"rooms":[],"reason":"overflow"}}"#)
    #expect(bench.take() == [])
    #expect(bench.event(5) == "5 5")
    bench.hear(#"{"v":2,"ack":0,"type":"gap","payload":{"from":7,"to":8,"count":2,"rooms":[],"reason":"overflow"}}"#)
    #expect(bench.take().last == "close 4001")
    #expect(bench.session.counters.gaps == 3)
  }

  @Test(arguments: [
    #"{"v":2"#, #"{"v":1,"type":"live","payload":{}}"#, #"{"v":2,"type":"hello","payload":{}}"#,
    #"{"v":2,"ack":9,"type":"ack","payload":{}}"#, #"{"v":2,"ack":0,"type":"reply","payload":{}}"#,
    #"{"v":2,"ack":0,"type":"gap","payload":{"from":4,"to":1}}"#,
    #"{"v":2,"ack":0,"type":"gap","payload":{"from":0,"to":1}}"#,
    #"{"v":2,"ack":0,"type":"welcome","payload":{}}"#,
  ])
  func faultsOfTheServerAreNamed(text: String) {
    let bench = ClientBench()
    bench.start()
    bench.hear(text)
    let actions = bench.take()
    #expect(actions.count == 2 && actions[0].hasPrefix("fault ") && actions[1].hasPrefix("close 450"), "\(actions)")
    #expect(bench.session.phase == .failed)
  }

  @Test func roomsAndTheirPositionsAreKept() {
    let bench = ClientBench()
    bench.start()
    bench.join("lobby")
    #expect(bench.take() == [#"{"v":2,"seq":1,"ack":0,"type":"join","id":"j-1","room":"lobby","payload":{}}"#])
    bench.hear(
      #"{"v":2,"seq":1,"ack":1,"type":"reply","re":"j-1","#
        + #""payload":{"room":"lobby","pos":["00000000000000cc",7],"members":1}}"#)
    bench.hear(
      #"{"v":2,"seq":2,"ack":1,"type":"event","event":"e","room":"lobby","pos":["00000000000000cc",8],"payload":1}"#)
    bench.close()
    _ = bench.take()
    bench.open()
    #expect(bench.take()[0].hasSuffix(#""ack":2,"pos":{"lobby":["00000000000000cc",8]}}}}"#))
    bench.welcome(#""resumed":true,"last_in":1,"rooms":[{"room":"lobby","pos":["00000000000000cc",9]}]"#)
    #expect(bench.session.snapshot.rooms.first?.position?.offset == 8)
    bench.leave("lobby")
    bench.hear(#"{"v":2,"seq":3,"ack":2,"type":"reply","re":"j-2","payload":{"room":"lobby","members":0}}"#)
    #expect(bench.session.snapshot.rooms.isEmpty)
  }

  @Test func aJoinIsRememberedOverADrop() {
    let bench = ClientBench()
    bench.join("early")
    bench.start()
    bench.close()
    bench.open()
    bench.welcome(#""resumed":true,"last_in":1"#)
    bench.hear(
      #"{"v":2,"seq":1,"ack":1,"type":"reply","re":"j-1","#
        + #""payload":{"room":"early","pos":["00000000000000cc",7],"members":1}}"#)
    #expect(bench.session.snapshot.rooms.first?.name == "early")
    bench.join("lost")
    bench.close()
    bench.open()
    bench.welcome(sid: "s_2", epoch: "00000000000000bb")
    bench.hear(#"{"v":2,"seq":1,"ack":0,"type":"reply","re":"j-2","payload":{"room":"lost","members":1}}"#)
    #expect(bench.session.snapshot.rooms.isEmpty)
  }

  @Test func acknowledgementsCanBeWithheldAndForged() {
    let bench = ClientBench { $0.autoAck = false }
    bench.start()
    _ = bench.event(1)
    _ = bench.event(2)
    bench.wait(300)
    #expect(bench.take() == [])
    bench.acknowledge(1)
    bench.acknowledge(9)
    #expect(
      bench.take() == [#"{"v":2,"ack":1,"type":"ack","payload":{}}"#, #"{"v":2,"ack":9,"type":"ack","payload":{}}"#])
    bench.session.processed(upTo: 2, now: bench.now)
    #expect(bench.session.processed == 2)
  }

  @Test func whatWasNotAcknowledgedComesAgainAndIsNoFault() {
    let bench = ClientBench { $0.autoAck = false }
    bench.start()
    _ = bench.event(1)
    _ = bench.event(2)
    bench.close()
    bench.open()
    #expect(bench.take()[0].contains(#""ack":0"#))
    bench.welcome(#""resumed":true,"last_in":0"#)
    #expect(bench.event(1) == nil)
    #expect(bench.event(2) == nil)
    #expect(bench.event(3) == "3 3")
    #expect(bench.session.counters.repeats == 2 && bench.session.counters.duplicates == 0)
  }

  @Test func aRewindHandsOutAgainWhatComesAgain() {
    let bench = ClientBench()
    bench.start()
    _ = bench.event(1)
    _ = bench.event(2)
    bench.session.rewind(to: 1)
    bench.close()
    bench.open()
    #expect(bench.take()[0].contains(#""ack":1"#))
    bench.welcome(#""resumed":true,"last_in":0"#)
    #expect(bench.event(2) == "2 2")
  }

  @Test func aRawMessageWithTheNextNumberIsCounted() {
    let bench = ClientBench()
    bench.start()
    let text = #"{"v":2, "seq":1, "type":"event","event":"e","payload":0}"#
    bench.raw(text)
    bench.raw("garbage")
    bench.send()
    #expect(
      bench.take() == [text, "garbage", #"{"v":2,"seq":2,"ack":0,"type":"event","event":"e","payload":1}"#])
    bench.close()
    bench.open()
    _ = bench.take()
    bench.welcome(#""resumed":true,"last_in":0"#)
    #expect(bench.take().first == text)
  }

  @Test func delayedAcknowledgementsAndSilenceKeepTheirTimes() {
    let bench = ClientBench()
    bench.start()
    #expect(bench.session.nextDeadline == Instant.zero.advanced(byMilliseconds: 1_500))
    _ = bench.event(1)
    #expect(bench.session.nextDeadline == Instant.zero.advanced(byMilliseconds: 250))
    bench.wait(250)
    #expect(bench.take() == [#"{"v":2,"ack":1,"type":"ack","payload":{}}"#])
    // We have spoken since the server was heard: it may live and have nothing to say.
    bench.wait(1_250)
    #expect(bench.take() == ["transport ping"])
    bench.wait(499)
    #expect(bench.take() == [])
    bench.wait(1)
    #expect(bench.take() == ["fault the server is silent", "close 4002"])
  }

  @Test func noWelcomeInTimeIsAFault() {
    let bench = ClientBench()
    bench.open()
    _ = bench.take()
    bench.wait(9_999)
    #expect(bench.take() == [])
    bench.wait(1)
    #expect(bench.take() == ["fault the server did not answer hello in time", "close 4508"])
  }

  @Test func byeEndsTheSession() {
    let bench = ClientBench()
    bench.start()
    bench.send()
    bench.send()
    bench.send()
    bench.bye()
    #expect(bench.take().last == #"{"v":2,"ack":0,"type":"bye","payload":{}}"#)
    #expect(bench.send() == nil)
    bench.hear(#"{"v":2,"ack":1,"type":"ack","payload":{}}"#)
    bench.close()
    #expect(bench.take() == ["1-1 acked", "2-2 unknown", "3-3 notSent"])
    bench.open()
    #expect(bench.take() == [#"{"v":2,"type":"hello","payload":{"versions":[2]}}"#])
  }

  /// It took all of its loop's time for ever when the server's close came later than an acknowledgement was due.
  @Test func whatComesBehindAByeIsNotAcknowledgedAndHasNoDeadline() {
    let bench = ClientBench()
    bench.start()
    bench.bye()
    _ = bench.take()
    #expect(bench.event(1) == "1 1")
    bench.wait(300)
    #expect(bench.take() == [] && bench.session.nextDeadline > bench.now)
    bench.wait(5_000)
    #expect(bench.session.nextDeadline > bench.now)
  }

  @Test func versionOneHasNoNumbers() {
    let bench = ClientBench { $0.versions = [1] }
    bench.send()
    bench.open()
    #expect(bench.take() == [#"{"v":1,"type":"hello","payload":{"versions":[1]}}"#])
    bench.hear(#"{"v":1,"type":"welcome","payload":{"version":1,"sid":"s_1","token":"t","resumed":false,"missed":0}}"#)
    #expect(
      bench.take() == [
        #"{"v":1,"type":"event","event":"e","payload":1}"#, "1-1 sent", "welcomed s_1 resumed false resent 0", "live",
      ])
    #expect(bench.hear(#"{"v":1,"seq":"x","type":"event","event":"e","payload":1}"#) == nil)
    _ = bench.take()
  }

  @Test func whatIsNoMessageIsNotSent() {
    let bench = ClientBench()
    #expect(bench.send("{") == nil)
    #expect(throws: SendFault.self) { try PreparedEvent(event: "Big", payload: Array("1".utf8)) }
    #expect(throws: SendFault.self) { try PreparedEvent(event: "e", payload: Array("1".utf8), room: "a\nb") }
    #expect(throws: SendFault.self) { try PreparedEvent(event: "e", payload: Array("1".utf8), id: "") }
    #expect(bench.send(String(repeating: "1", count: 1_048_576)) == nil)
  }

  @Test func secretsAreNotShown() {
    let bench = ClientBench { $0.auth = .init(scheme: "token", credential: Secret("hunter2")) }
    bench.start()
    #expect(!"\(bench.session)".contains("hunter2"))
    #expect(!"\(bench.session)".contains("\"t\""))
  }
}
