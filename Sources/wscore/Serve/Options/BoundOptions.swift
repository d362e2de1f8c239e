import ArgumentParser

/// How much there may be.
struct BoundOptions: ServeOptionGroup {
  @Option(help: .serve("outbox-messages")) var outboxMessages: String?
  @Option(help: .serve("outbox-bytes")) var outboxBytes: String?
  @Option(help: .serve("outbox-total-bytes")) var outboxTotalBytes: String?
  @Option(help: .serve("max-message-bytes")) var maxMessageBytes: String?
  @Option(help: .serve("max-connections")) var maxConnections: String?

  var given: [(name: String, text: String?)] {
    [
      ("outbox-messages", outboxMessages),
      ("outbox-bytes", outboxBytes),
      ("outbox-total-bytes", outboxTotalBytes),
      ("max-message-bytes", maxMessageBytes),
      ("max-connections", maxConnections),
    ]
  }
}

extension ServeOption {
  static var bounds: [ServeOption] {
    [
      count("outbox-messages", \.server.limits.outbox.messageCount, 1...1_048_576, fallback: "1024",
        "Messages kept for a client that does not acknowledge."),
      size("outbox-bytes", \.server.limits.outbox.byteCount, 1_024...1 << 30, "1MiB", "Their bytes."),
      size("outbox-total-bytes", \.server.limits.outboxTotalByteCount, 1_024...1 << 40, "1GiB",
        "Bytes kept for all clients together; the largest outboxes give way first."),
      size("max-message-bytes", \.server.limits.messageByteCount, 128...1 << 28, "1MiB",
        "The longest message of a client."),
      count(
        "max-connections", \.server.connectionCount, 1...16_777_216,
        fallback: "100000, or what the file limit allows", "WebSocket connections at one time."),
    ]
  }
}
