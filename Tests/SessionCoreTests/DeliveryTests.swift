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

  @Test func onlyADeliveryThatIsAloneIsTaken() {
    let bench = ShardBench()
    bench.say(DeliveryTests.work, bench.enter())
    let token = bench.deliveries[0]
    var effects: Effects = [.deliver(token)]
    #expect(effects.takeOnlyDelivery() == token)
    #expect(effects.isEmpty)
    effects = [.deliver(token), .write(Slot(index: 0, generation: 0))]
    #expect(effects.takeOnlyDelivery() == nil)
    #expect(effects.count == 2)
    effects = [.write(Slot(index: 0, generation: 0))]
    #expect(effects.takeOnlyDelivery() == nil)
    #expect(effects.count == 1)
  }
}
