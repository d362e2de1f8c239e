import ArgumentParser

/// How long things last.
struct LifetimeOptions: ServeOptionGroup {
  @Option(help: .serve("session-ttl")) var sessionTtl: String?
  @Option(help: .serve("tombstone-ttl")) var tombstoneTtl: String?
  @Option(help: .serve("ping-interval")) var pingInterval: String?
  @Option(help: .serve("ping-timeout")) var pingTimeout: String?
  @Option(help: .serve("hello-timeout")) var helloTimeout: String?
  @Option(help: .serve("handshake-timeout")) var handshakeTimeout: String?
  @Option(help: .serve("idle-timeout")) var idleTimeout: String?
  @Option(help: .serve("message-timeout")) var messageTimeout: String?
  @Option(help: .serve("drain-timeout")) var drainTimeout: String?

  var given: [(name: String, text: String?)] {
    [
      ("session-ttl", sessionTtl),
      ("tombstone-ttl", tombstoneTtl),
      ("ping-interval", pingInterval),
      ("ping-timeout", pingTimeout),
      ("hello-timeout", helloTimeout),
      ("handshake-timeout", handshakeTimeout),
      ("idle-timeout", idleTimeout),
      ("message-timeout", messageTimeout),
      ("drain-timeout", drainTimeout),
    ]
  }
}

extension ServeOption {
  static var lifetimes: [ServeOption] {
    [
      duration("session-ttl", \.server.limits.sessionTTLMilliseconds, 0, "120s",
        "How long a session outlives its connection."),
      duration("tombstone-ttl", \.server.limits.tombstoneTTLMilliseconds, 0, "10m",
        "How long is kept why a session ended, to tell its client."),
      duration("ping-interval", \.server.limits.pingIntervalMilliseconds, 10, "25s",
        "Silence after which a client is pinged."),
      duration("ping-timeout", \.server.limits.pingTimeoutMilliseconds, 10, "10s",
        "Silence after a ping that ends a connection."),
      duration("hello-timeout", \.server.limits.helloTimeoutMilliseconds, 10, "10s", "Time from the upgrade to hello."),
      duration("handshake-timeout", \.server.handshakeTimeoutMilliseconds, 10, "10s", "Time for a whole HTTP request."),
      duration("idle-timeout", \.server.idleTimeoutMilliseconds, 10, "60s",
        "Time between two HTTP requests of one socket; for sessions see --ping-interval."),
      duration("message-timeout", \.server.messageTimeoutMilliseconds, 10, "60s",
        "Time for a message to arrive, from its first byte to its last."),
      duration("drain-timeout", \.server.drainTimeoutMilliseconds, 0, "10s",
        "Time for clients to leave after SIGTERM."),
    ]
  }
}
