import ArgumentParser

/// How many may come, how fast, and for how long their credentials are believed.
struct AdmissionOptions: ServeOptionGroup {
  @Option(help: .serve("hello-rate")) var helloRate: String?
  @Option(help: .serve("hello-burst")) var helloBurst: String?
  @Option(help: .serve("hello-pending")) var helloPending: String?
  @Option(help: .serve("max-sessions")) var maxSessions: String?
  @Option(help: .serve("max-rooms")) var maxRooms: String?
  @Option(help: .serve("sessions-per-user")) var sessionsPerUser: String?
  @Option(help: .serve("takeover-limit")) var takeoverLimit: String?
  @Option(help: .serve("takeover-window")) var takeoverWindow: String?
  @Option(help: .serve("credential-max-age")) var credentialMaxAge: String?
  @Option(help: .serve("credential-notice")) var credentialNotice: String?

  var given: [(name: String, text: String?)] {
    [
      ("hello-rate", helloRate),
      ("hello-burst", helloBurst),
      ("hello-pending", helloPending),
      ("max-sessions", maxSessions),
      ("max-rooms", maxRooms),
      ("sessions-per-user", sessionsPerUser),
      ("takeover-limit", takeoverLimit),
      ("takeover-window", takeoverWindow),
      ("credential-max-age", credentialMaxAge),
      ("credential-notice", credentialNotice),
    ]
  }
}

extension ServeOption {
  static var admission: [ServeOption] {
    [
      count("hello-rate", \.server.limits.helloRatePerSecond, 1...10_000_000, fallback: "50000",
        "Clients let in a second, new and resuming; the others are told when to come back."),
      count("hello-burst", \.server.limits.helloBurstCount, 1...10_000_000, fallback: "50000",
        "So many more at once, after a quiet time."),
      count("hello-pending", \.server.limits.helloPendingCount, 1...10_000_000, fallback: "16384",
        "Clients whose credentials may be checked at one time."),
      count("max-sessions", \.server.limits.sessionCount, 1...100_000_000, fallback: "1000000",
        "Sessions of one event loop, suspended ones included; each takes about 3 KiB."),
      count("max-rooms", \.server.limits.roomCount, 1...100_000_000, fallback: "1000000",
        "Rooms of one event loop; each takes about 2 KiB."),
      ServeOption(
        name: "sessions-per-user", placeholder: "number", fallback: "no limit",
        help: "Sessions that one user may have, suspended ones included.", apply: sessionsPerUser),
      count("takeover-limit", \.server.limits.takeoverCount, 1...1_000_000, fallback: "1024",
        "Times in a window that connections may take one session from each other."),
      duration("takeover-window", \.server.limits.takeoverWindowMilliseconds, 1, "10s", "That window."),
      ServeOption(
        name: "credential-max-age", placeholder: "duration", fallback: "what the authenticator says",
        help: "Longest time until a client has to show its credential again.", apply: credentialMaxAge),
      duration("credential-notice", \.server.limits.credentialNoticeMilliseconds, 0, "30s",
        "How long before its credential ends a client is told."),
    ]
  }

  private static func sessionsPerUser(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    guard let number = Int(text), 1...10_000_000 ~= number, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
      throw OptionFault("is not a number from 1 to 10000000")
    }
    settings.server.limits.sessionsPerUser = number
  }

  private static func credentialMaxAge(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    var least = settings
    try duration("credential-max-age", \.server.limits.credentialNoticeMilliseconds, 100, "", "").apply(&least, text)
    settings.server.limits.credentialMaxAgeMilliseconds = least.server.limits.credentialNoticeMilliseconds
  }
}
