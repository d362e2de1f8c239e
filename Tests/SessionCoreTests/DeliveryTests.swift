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

  /// What is short is kept another way than what is long, and what stands near the end of the message another way again.
  @Test(arguments: [1, 15, 16, 17, 40, 64]) func answersWithTheIDThatItWasGiven(byteCount: Int) {
    let bench = ShardBench()
    let slot = bench.enter()
    let id = String("abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789".prefix(byteCount))
    let atTheEnd = #"{"v":2,"seq":2,"ack":0,"type":"event","event":"work","payload":[2],"id":"\#(id)"}"#
    #expect(say(work(1, id), bench, slot, .reply([0x31])) == ["\(id) [1]"])
    #expect(say(atTheEnd, bench, slot, .reply([0x32])) == ["\(id) [2]"])
    #expect(say(work(3, "z"), bench, slot, .reply([0x33])) == ["z [3]"])
    #expect(bench.messages(slot).compactMap { $0["re"]?.stringValue } == [id, id, "z"])
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
    #expect(say(work(1, "a"), bench, slot, .done) == [])
    #expect(bench.messages(slot).last?["ack"]?.unsignedValue == 1)
  }
}
