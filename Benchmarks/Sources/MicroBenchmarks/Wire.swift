import SessionCore

/// Envelopes and outboxes.
let wire: [Benchmark] = [
  scan("envelope.scan.61", payload: #"{"n":1}"#),
  scan("envelope.scan.315", payload: #"{"text":"\#(String(repeating: "a", count: 250))"}"#),
  scan("envelope.scan.1083", payload: #"{"text":"\#(String(repeating: "a", count: 1_018))"}"#),
  scan("envelope.scan.1078.han", payload: #"{"text":"\#(String(repeating: "字", count: 340))"}"#),
  Benchmark(name: "outbox", operation: "a message counted, sent and acknowledged, 16 under way", bundle: 16) { outbox },
]

private func scan(_ name: String, payload: String) -> Benchmark {
  Benchmark(name: name, operation: "the header fields of a message, the payload a slice") {
    let message = Array(#"{"v":2,"seq":17,"ack":42,"type":"event","event":"e","payload":\#(payload)}"#.utf8)
    var reader = EnvelopeReader()
    return { count in
      for _ in 0..<count {
        var envelope = Envelope()
        do { try reader.read(message.span, into: &envelope) } catch { fatalError("\(error)") }
        consume(envelope.payload)
      }
    }
  }
}

private func outbox(_ count: Int) {
  let message = SharedMessage(tail: Array(#""type":"event","event":"chat","payload":{}}"#.utf8))
  let limits = OutboxLimits()
  var (outbox, window) = (Outbox(), Window())
  window.messageCount = 16
  for _ in 0..<count {
    for _ in 0..<16 { outbox.append(message, limits: limits) }
    while let item = outbox.next(window: window) { consume(item) }
    precondition(outbox.acknowledge(outbox.lastSentSeq))
  }
}
