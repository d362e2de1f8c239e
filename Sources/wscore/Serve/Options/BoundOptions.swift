import ArgumentParser

/// How much there may be.
struct BoundOptions: ServeOptionGroup {
  @Option(help: .serve("outbox-messages")) var outboxMessages: String?
  @Option(help: .serve("outbox-bytes")) var outboxBytes: String?
  @Option(help: .serve("outbox-total-bytes")) var outboxTotalBytes: String?
  @Option(help: .serve("away-inbox-bytes")) var awayInboxBytes: String?
  @Option(help: .serve("max-message-bytes")) var maxMessageBytes: String?
  @Option(help: .serve("max-empty-fragments")) var maxEmptyFragments: String?
  @Option(help: .serve("max-header-bytes")) var maxHeaderBytes: String?
  @Option(help: .serve("max-header-fields")) var maxHeaderFields: String?
  @Option(help: .serve("max-connections")) var maxConnections: String?

  var given: [(name: String, text: String?)] {
    [
      ("outbox-messages", outboxMessages),
      ("outbox-bytes", outboxBytes),
      ("outbox-total-bytes", outboxTotalBytes),
      ("away-inbox-bytes", awayInboxBytes),
      ("max-message-bytes", maxMessageBytes),
      ("max-empty-fragments", maxEmptyFragments),
      ("max-header-bytes", maxHeaderBytes),
      ("max-header-fields", maxHeaderFields),
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
      size("away-inbox-bytes", \.server.limits.awayInboxByteCount, 0...1 << 40, "64MiB",
        "Bytes of messages of one event loop that wait for their turn though their sender has left."),
      size("max-message-bytes", \.server.limits.messageByteCount, 128...1 << 28, "1MiB",
        "The longest message of a client, after decompression."),
      count("max-empty-fragments", \.server.emptyFragmentCount, 0...1_000_000, fallback: "64",
        "Frames without payload in one message."),
      size("max-header-bytes", \.server.head.headBytes, 256...1 << 20, "16KiB", "The head of a request."),
      count("max-header-fields", \.server.head.fieldCount, 8...10_000, fallback: "100", "Its header lines."),
      count(
        "max-connections", \.server.connectionCount, 1...16_777_216,
        fallback: "100000, or what the file limit allows", "WebSocket connections at one time."),
    ]
  }
}
