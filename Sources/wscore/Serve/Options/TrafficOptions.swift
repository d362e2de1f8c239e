import ArgumentParser

/// How much one client, or one address, may do in a second.
struct TrafficOptions: ServeOptionGroup {
  @Option(help: .serve("message-rate")) var messageRate: String?
  @Option(help: .serve("message-burst")) var messageBurst: String?
  @Option(help: .serve("byte-rate")) var byteRate: String?
  @Option(help: .serve("byte-burst")) var byteBurst: String?
  @Option(help: .serve("control-rate")) var controlRate: String?
  @Option(help: .serve("control-burst")) var controlBurst: String?
  @Option(help: .serve("max-connections-per-address")) var maxConnectionsPerAddress: String?
  @Option(help: .serve("connection-rate-per-address")) var connectionRatePerAddress: String?
  @Option(help: .serve("connection-burst-per-address")) var connectionBurstPerAddress: String?

  var given: [(name: String, text: String?)] {
    [
      ("message-rate", messageRate),
      ("message-burst", messageBurst),
      ("byte-rate", byteRate),
      ("byte-burst", byteBurst),
      ("control-rate", controlRate),
      ("control-burst", controlBurst),
      ("max-connections-per-address", maxConnectionsPerAddress),
      ("connection-rate-per-address", connectionRatePerAddress),
      ("connection-burst-per-address", connectionBurstPerAddress),
    ]
  }
}

extension ServeOption {
  static var traffic: [ServeOption] {
    [
      count("message-rate", \.traffic.messageRate, 0...10_000_000, fallback: "0, no bound",
        "Messages of one connection in a second; one that sends more is not read until it may go on."),
      count("message-burst", \.traffic.messageBurst, 1...10_000_000, fallback: "those of a second",
        "So many at once, after a quiet time."),
      size("byte-rate", \.traffic.byteRate, 0...1 << 34, "0B, no bound",
        "Bytes of messages of one connection in a second, after decompression; the same holds."),
      size("byte-burst", \.traffic.byteBurst, 1...1 << 34, "those of a second", "So many at once."),
      count("control-rate", \.traffic.controlRate, 0...10_000_000, fallback: "1000",
        "WebSocket pings and pongs of one connection in a second; one that sends more is closed with 1008; 0 for no bound."),
      count("control-burst", \.traffic.controlBurst, 1...10_000_000, fallback: "those of 5 seconds", "So many at once."),
      count("max-connections-per-address", \.traffic.addressConnections, 0...16_777_216, fallback: "0, no bound",
        "Connections of one IPv4 address, or of one /64 of IPv6, at one time; the next gets 503. Not over Unix sockets."),
      count("connection-rate-per-address", \.traffic.addressRate, 0...10_000_000, fallback: "0, no bound",
        "New connections of such an address in a second; the next gets 503."),
      count("connection-burst-per-address", \.traffic.addressBurst, 1...10_000_000, fallback: "those of a second",
        "So many at once."),
    ]
  }
}
