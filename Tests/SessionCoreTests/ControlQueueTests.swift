import SessionCore
import Testing

/// What has no number waits for the connection, and no window of the client bounds it: it is bounded in number and bytes.
@Suite struct ControlQueueTests {
  /// A client that sends and never reads.
  private func fill(_ bench: ShardBench, _ slot: Slot, errorByteCount: Int) -> Int {
    var count = 0
    while bench.closes.isEmpty, count < 1_000 {
      bench.say(#"{"v":2,"type":"event","event":"work","delivery":"transient","payload":{}}"#, slot)
      bench.finish(count, .failure(ProtocolError("test.long", String(repeating: "x", count: errorByteCount))))
      count += 1
    }
    return count
  }

  @Test func isBoundedInBytes() {
    let bench = ShardBench()
    let slot = bench.enter()
    _ = bench.messages(slot)
    // Eight of 8 KiB and their names fill 64 KiB.
    #expect(fill(bench, slot, errorByteCount: 8 << 10) == 9)
    #expect(bench.closes == ["\(slot.index) 4003"])
    #expect(bench.messages(slot).filter { $0["type"] == "error" }.count == 8)
  }

  @Test func isBoundedInNumber() {
    let bench = ShardBench()
    let slot = bench.enter()
    _ = bench.messages(slot)
    #expect(fill(bench, slot, errorByteCount: 8) == 257)
    #expect(bench.closes == ["\(slot.index) 4003"])
  }

  @Test func whatIsReadMakesRoom() {
    let bench = ShardBench()
    let slot = bench.enter()
    _ = bench.messages(slot)
    for index in 0..<100 {
      bench.say(#"{"v":2,"type":"event","event":"work","delivery":"transient","payload":{}}"#, slot)
      bench.finish(index, .failure(ProtocolError("test.long", String(repeating: "x", count: 8 << 10))))
      #expect(bench.types(slot).last == "error")
    }
    #expect(bench.closes.isEmpty)
  }
}
