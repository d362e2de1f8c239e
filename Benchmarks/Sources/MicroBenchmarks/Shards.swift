/// Whole steps of a shard: what a message costs between the frame and the socket.
let shards: [Benchmark] = [
  echo("shard.echo.1", depth: 1),
  echo("shard.echo.16", depth: 16),
  Benchmark(name: "shard.publish", operation: "a message to a room of one member, its own copy and ack") { publish() },
  Benchmark(
    name: "shard.broadcast.1000",
    operation: "one member's copy of a message to 1,000: outbox, head, shared tail, a 64th of an ack",
    bundle: 1_000
  ) { broadcast(memberCount: 1_000) },
  Benchmark(
    name: "shard.timers.10000", operation: "one timer of 10,000 that is due and set anew", bundle: 10_000
  ) { timers(count: 10_000) },
]

private func echo(_ name: String, depth: Int) -> Benchmark {
  Benchmark(name: name, operation: "an event, its handler, reply and ack; \(depth) in a tick", bundle: depth) {
    let bench = ShardBench(sessionCount: 1)
    var message = NumberedMessage(#"{"v":2,"seq":#,"ack":@,"type":"event","event":"echo","id":"1","payload":"0123456789abcdef"}"#)
    var sent: UInt64 = 0
    return { count in
      for _ in 0..<count {
        let received = sent
        for _ in 0..<depth {
          sent += 1
          message.number(seq: sent, ack: received)
          bench.say(message.bytes, 0)
        }
        precondition(bench.flush() == depth)
      }
    }
  }
}

private func publish() -> (Int) -> Void {
  let bench = ShardBench(sessionCount: 1, room: "r")
  var message = NumberedMessage(#"{"v":2,"seq":#,"ack":@,"type":"event","event":"chat","room":"r","payload":"0123456789abcdef"}"#)
  // The first one of each side was `join` and its reply.
  var sent: UInt64 = 1
  return { count in
    for _ in 0..<count {
      message.number(seq: sent + 1, ack: sent)
      sent += 1
      bench.say(message.bytes, 0)
      precondition(bench.flush() == 1)
    }
  }
}

private func broadcast(memberCount: Int) -> (Int) -> Void {
  let bench = ShardBench(sessionCount: memberCount, room: "r")
  let payload = String(repeating: "x", count: 126)
  var message = NumberedMessage(#"{"v":2,"seq":#,"ack":@,"type":"event","event":"chat","room":"r","payload":"\#(payload)"}"#)
  var ack = NumberedMessage(#"{"v":2,"ack":@,"type":"ack","payload":{}}"#)
  var sent: UInt64 = 1
  return { count in
    for _ in 0..<count {
      message.number(seq: sent + 1, ack: sent)
      sent += 1
      bench.say(message.bytes, 0)
      precondition(bench.flush() == memberCount)
      guard sent % 64 == 0 else { continue }
      ack.number(seq: 0, ack: sent)
      for index in 1..<memberCount { bench.say(ack.bytes, index) }
    }
  }
}

private func timers(count timerCount: Int) -> (Int) -> Void {
  let bench = ShardBench(sessionCount: timerCount)
  return { count in
    for _ in 0..<count {
      // An interval is 25 s. Each timer comes up once in two steps, finds its peer alive and is set again.
      for _ in 0..<2 {
        bench.advance(milliseconds: 12_000)
        bench.heardAll()
      }
      bench.flush()
    }
  }
}
