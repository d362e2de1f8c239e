import SessionCore
import Testing

/// An event on its way to its handler: it is lent while its session is at work on it, and to nobody afterwards.
@Suite struct DeliveryTests {
  private static let work = #"{"v":2,"seq":1,"ack":0,"type":"event","event":"work","id":"a","payload":[7]}"#

  /// The payload of the event that a token stands for; nil if it is not lent.
  private func payload(_ bench: ShardBench, _ token: HandlerToken) -> String? {
    var payload: String?
    let outcome = bench.shard.lendDelivery(token) { delivery in
      payload = String(decoding: delivery.payload, as: UTF8.self)
      return delivery.withSession { $0.principal.user == "ann" ? .done : .failure(ProtocolError("test.session", "whose?")) }
    }
    if payload == nil {
      #expect(outcome == nil)
    } else {
      guard case .done? = outcome else { return "of another session" }
    }
    return payload
  }

  @Test func isLentUntilItIsFinished() {
    let bench = ShardBench()
    let slot = bench.enter()
    bench.say(DeliveryTests.work, slot)
    let token = bench.deliveries[0]
    #expect(payload(bench, token) == "[7]")
    #expect(payload(bench, token) == "[7]")
    bench.finish(0, .done)
    #expect(payload(bench, token) == nil)
  }

  @Test func whatIsKeptOfItStaysWhenTheNextOneComes() {
    let bench = ShardBench()
    let slot = bench.enter()
    bench.say(DeliveryTests.work, slot)
    var kept: Delivery?
    _ = bench.shard.lendDelivery(bench.deliveries[0]) {
      kept = $0
      return nil
    }
    bench.finish(0, .done)
    bench.say(#"{"v":2,"seq":2,"ack":0,"type":"event","event":"work","id":"b","payload":[8]}"#, slot)
    #expect(kept.map { String(decoding: $0.payload, as: UTF8.self) } == "[7]")
    #expect(kept?.id == "a")
    #expect(payload(bench, bench.deliveries[1]) == "[8]")
    #expect(payload(bench, bench.deliveries[0]) == nil)
  }

  @Test func isNotLentWhenItsTimeIsOver() {
    let bench = ShardBench { $0.handlerTimeoutMilliseconds = 100 }
    let slot = bench.enter()
    bench.say(DeliveryTests.work, slot)
    bench.advance(101)
    #expect(bench.types(slot) == ["welcome", "live", "error"])
    #expect(payload(bench, bench.deliveries[0]) == nil)
  }

  @Test func isNotLentWhenItsSessionHasEnded() throws {
    let bench = ShardBench()
    let slot = bench.enter()
    let sid = try #require(bench.welcome(slot)["sid"]?.stringValue.flatMap { SessionID($0) })
    bench.say(DeliveryTests.work, slot)
    var effects: Effects = []
    bench.shard.execute(.kick(sid, reason: "test"), token: CommandToken(1), now: bench.now, effects: &effects)
    #expect(payload(bench, bench.deliveries[0]) == nil)
  }

  // MARK: Served at once

  /// What a client says, with a handler that answers at once if `outcome` is not nil; the events that it saw.
  private func say(_ text: String, _ bench: ShardBench, _ slot: Slot, _ outcome: HandlerOutcome?) -> [String] {
    var seen: [String] = []
    bench.say(text, slot) { delivery in
      seen.append("\(delivery.id ?? "-") \(String(decoding: delivery.payload, as: UTF8.self))")
      return outcome
    }
    return seen
  }

  private func work(_ seq: Int, _ id: String) -> String {
    #"{"v":2,"seq":\#(seq),"ack":0,"type":"event","event":"work","id":"\#(id)","payload":[\#(seq)]}"#
  }

  @Test func isServedAsItComes() {
    let bench = ShardBench()
    let slot = bench.enter()
    _ = bench.messages(slot)
    #expect(say(work(1, "a"), bench, slot, .reply([0x31])) == ["a [1]"])
    #expect(say(work(2, "b"), bench, slot, .done) == ["b [2]"])
    #expect(say(work(3, "c"), bench, slot, .failure(ProtocolError("test.fault", "no"))) == ["c [3]"])
    #expect(bench.deliveries.isEmpty)
    let messages = bench.messages(slot)
    #expect(messages.map { $0["re"]?.stringValue } == ["a", "c"])
    #expect(messages.map { $0["type"]?.stringValue } == ["reply", "error"])
    #expect(messages.map { $0["seq"]?.unsignedValue } == [1, 2])
    #expect(messages.map { $0["ack"]?.unsignedValue } == [3, 3])
    #expect(messages.first?["payload"]?.unsignedValue == 1)
  }

  /// Two texts of that many characters that differ in each of them.
  private func texts(_ count: Int) -> [String] {
    ["abcdefghijklm", "nopqrstuvwxyz"].map { String(String(repeating: $0, count: 6).prefix(count)) }
  }

  /// What is short is kept another way than what is long, and what stands near the end of the message another way again.
  @Test(arguments: 1...64) func answersWithTheIDThatItWasGiven(byteCount: Int) {
    let bench = ShardBench()
    let slot = bench.enter()
    let ids = texts(byteCount)
    for (index, id) in (ids + ids).enumerated() {
      let (inFront, behind) = index < 2 ? (#""id":"\#(id)","#, "") : ("", #","id":"\#(id)""#)
      let text = #"{"v":2,"seq":\#(index + 1),"ack":0,"type":"event","event":"work",\#(inFront)"payload":[2]\#(behind)}"#
      #expect(say(text, bench, slot, .reply([0x31])) == ["\(id) [2]"])
    }
    #expect(bench.messages(slot).compactMap { $0["re"]?.stringValue } == ids + ids)
  }

  /// Bytes are copied in pieces by their number.
  @Test(arguments: 0...80) func answersWithThePayloadThatItWasGiven(count: Int) {
    let bench = ShardBench()
    let slot = bench.enter()
    let payloads = texts(count)
    for (index, payload) in payloads.enumerated() {
      let text = #"{"v":2,"seq":\#(index + 1),"ack":0,"type":"event","event":"work","id":"1","payload":"\#(payload)"}"#
      bench.say(text, slot) { .reply($0.payload) }
    }
    #expect(bench.messages(slot).suffix(2).map { $0["payload"]?.stringValue } == payloads)
  }

  /// Messages that are as long, with names that are as long, by turns, on sessions whose messages use the same objects; also
  /// when what was learned of them is let go of while one of them is with its handler.
  @Test func goesToTheHandlerOfItsName() {
    let bench = ShardBench()
    let slots = [bench.enter(), bench.enter()]
    var seen: [String] = []
    func say(_ name: String, _ seq: Int, _ slot: Int) {
      bench.say(#"{"v":2,"seq":\#(seq),"ack":0,"type":"event","event":"\#(name)","id":"1","payload":1}"#, slots[slot]) {
        seen.append("\($0.event) \($0.handler.rawValue)")
        return seen.count == 3 ? nil : .done
      }
    }
    for (seq, name) in ["work", "rest", "rest", "work"].enumerated() {
      say(name, seq + 1, 0)
      if seq == 2 {
        // It is with its handler.
        bench.shard.dropSpares()
        for seq in 1...3 { say(["rest", "work", "rest"][seq - 1], seq, 1) }
        bench.finish(0, .done)
      }
    }
    #expect(seen == ["work 0", "rest 1", "rest 1", "rest 1", "work 0", "rest 1", "work 0"])
  }

  @Test func whatIsNotServedIsDelivered() {
    let bench = ShardBench()
    let slot = bench.enter()
    #expect(say(work(1, "a"), bench, slot, nil) == ["a [1]"])
    #expect(payload(bench, bench.deliveries[0]) == "[1]")
    // While it is worked on the next one waits, and nobody is asked to serve it.
    #expect(say(work(2, "b"), bench, slot, .reply([0x32])) == [])
    bench.finish(0, .reply([0x31]))
    #expect(payload(bench, bench.deliveries[1]) == "[2]")
    bench.finish(1, .done)
    #expect(say(work(3, "c"), bench, slot, .reply([0x33])) == ["c [3]"])
    #expect(bench.messages(slot).compactMap { $0["re"]?.stringValue } == ["a", "c"])
    #expect(bench.deliveries.count == 2)
  }

  @Test func whatIsKeptOfWhatWasServedStays() {
    let bench = ShardBench()
    let slot = bench.enter()
    var kept: [Delivery] = []
    for seq in 1...3 {
      bench.say(work(seq, "\(seq)"), slot) {
        kept.append($0)
        return .reply($0.payload)
      }
    }
    #expect(kept.map { String(decoding: $0.payload, as: UTF8.self) } == ["[1]", "[2]", "[3]"])
    #expect(kept.map(\.id) == ["1", "2", "3"])
    #expect(kept.map(\.seq) == [1, 2, 3])
  }

  /// A duplicate is acknowledged and served to nobody.
  @Test func isServedOnce() {
    let bench = ShardBench()
    let slot = bench.enter()
    #expect(say(work(1, "a"), bench, slot, .done) == ["a [1]"])
    _ = bench.messages(slot)
    #expect(say(work(1, "a"), bench, slot, .done) == [])
    let messages = bench.messages(slot)
    #expect(messages.map { $0["type"]?.stringValue } == ["ack"])
    #expect(messages.first?["ack"]?.unsignedValue == 1)
  }
}
