import SessionCore

/// What one shard is made of, at one moment.
struct ShardFigures: Sendable {
  var index: Int
  var counters: ShardCounters
  var connectionCount: Int
  var activeCount: Int
  var suspendedCount: Int
  var roomCount: Int
  var timerCount: Int
  var outboxByteCount: Int
  var refusals: [Int: UInt64]
  var transportCounts: [Transport: Int]
  var transportCloses: [UInt16: UInt64]

  init(_ driver: ShardDriver) {
    index = driver.index
    counters = driver.shard.counters
    connectionCount = driver.shard.connectionCount
    activeCount = driver.shard.activeSessionCount
    suspendedCount = driver.shard.suspendedSessionCount
    roomCount = driver.shard.roomCount
    timerCount = driver.shard.timerCount
    outboxByteCount = driver.shard.outboxByteCount
    refusals = driver.refusals
    transportCounts = driver.transportCounts
    transportCloses = driver.transportCloses
  }

  var json: JSONValue {
    .members([
      "shard": .int(index), "connections": .int(connectionCount),
      "sessions": .members(["active": .int(activeCount), "suspended": .int(suspendedCount)]),
      "rooms": .int(roomCount), "messages_in": .int(counters.messagesIn), "messages_out": .int(counters.messagesOut),
    ])
  }
}

/// The server's figures: of all shards, each at its own moment, and of the process.
struct ServerFigures: Sendable {
  var shards: [ShardFigures]
  var deprecations: [Deprecation]
  var server: String
  var uptimeMilliseconds: UInt64
  var processID: Int
  var io: SocketBackend
  var isDraining: Bool
  /// New connections wait for room.
  var isAcceptPaused: Bool
  /// Sockets of the public port.
  var socketCount: Int
  var limitHits: [(limit: ServerLimit, count: UInt64)]
  /// By reason.
  var credentialRefusals: [(reason: String, count: UInt64)]
  /// Nil without TLS.
  var tls: TLSFigures?
  var residentByteCount: Int
  var cpuSeconds: Double

  func sum<Number: AdditiveArithmetic>(_ part: (ShardFigures) -> Number) -> Number {
    shards.reduce(.zero) { $0 + part($1) }
  }

  /// Close codes that were sent.
  var closes: [(code: UInt16, count: UInt64)] {
    var sums: [UInt16: UInt64] = [:]
    for shard in shards {
      sums.merge(shard.counters.closes) { $0 + $1 }
      sums.merge(shard.transportCloses) { $0 + $1 }
    }
    return sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  var refusals: [(status: Int, count: UInt64)] {
    var sums: [Int: UInt64] = [:]
    for shard in shards { sums.merge(shard.refusals) { $0 + $1 } }
    return sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Connections by what carries them, every transport named.
  var transports: [(name: String, count: Int)] {
    Transport.allCases.map { transport in
      (transport.rawValue, sum { $0.transportCounts[transport] ?? 0 })
    }
  }

  /// What waits for clients, and what was given up for want of room.
  private var outbox: JSONValue {
    .members([
      "bytes": .int(sum(\.outboxByteCount)), "dropped": .int(sum(\.counters.dropped)),
      "dropped_for_budget": .int(sum(\.counters.budgetDropped)), "conflated": .int(sum(\.counters.conflated)),
      "transient_dropped": .int(sum(\.counters.transientDropped)),
    ])
  }

  /// Who was let in, and who was not.
  private var admission: JSONValue {
    .members([
      "hellos_refused": .int(sum(\.counters.hellosRefused)),
      "credentials_refused": .int(sum(\.counters.credentialsRefused)),
      "credentials_expired": .int(sum(\.counters.credentialsExpired)),
      "sessions_refused": .int(sum(\.counters.sessionsRefused)),
      "sessions_revoked": .int(sum(\.counters.sessionsRevoked)), "takeovers": .int(sum(\.counters.takeovers)),
      "takeovers_refused": .int(sum(\.counters.takeoversRefused)), "forbidden": .int(sum(\.counters.forbidden)),
    ])
  }

  /// Messages of sessions, by the version of the protocol.
  var versions: [(version: UInt64, count: UInt64)] {
    [(1, sum(\.counters.messagesOfVersion1)), (2, sum(\.counters.messagesOfVersion2))]
  }

  /// How often what will be removed was used. The subjects are those that the operator named, so they are few.
  var deprecatedUses: [(subject: Deprecation.Subject, count: UInt64)] {
    deprecations.enumerated().map { index, deprecation in
      switch deprecation.subject {
      case .version(let version): (deprecation.subject, versions.first { $0.version == version }?.count ?? 0)
      case .event:
        (deprecation.subject, sum { $0.counters.deprecatedUses.dropFirst(index).first ?? 0 })
      }
    }
  }

  var json: JSONValue {
    let json = JSONValue.members([
      "uptime_ms": .int(uptimeMilliseconds), "version": .string(server), "pid": .int(processID),
      "loops": .int(shards.count), "io": .string(io.rawValue), "draining": .bool(isDraining),
      "sessions": .members(["active": .int(sum(\.activeCount)), "suspended": .int(sum(\.suspendedCount))]),
      "connections": .int(sum(\.connectionCount)), "sockets": .int(socketCount), "accept_paused": .bool(isAcceptPaused),
      "transports": .object(transports.map { JSONValue.Member($0.name, .int($0.count)) }),
      "rooms": .int(sum(\.roomCount)), "timers": .int(sum(\.timerCount)),
      "messages_in": .int(sum(\.counters.messagesIn)), "messages_out": .int(sum(\.counters.messagesOut)),
      "duplicates_in": .int(sum(\.counters.duplicatesIn)), "replayed": .int(sum(\.counters.replayed)),
      "resumes": .members(["ok": .int(sum(\.counters.resumes)), "failed": .int(sum(\.counters.resumesRefused))]),
      "gaps": .int(sum(\.counters.dropped)), "pong_timeouts": .int(sum(\.counters.pongTimeouts)),
      "token_reuses": .int(sum(\.counters.tokenReuses)), "outbox": outbox, "admission": admission,
      "payloads_refused": .int(sum(\.counters.payloadsRefused)),
      "cast_failures": .int(sum(\.counters.castFailures)),
      "versions": .object(versions.map { JSONValue.Member(String($0.version), .int($0.count)) }),
      "deprecated": .object(deprecatedUses.map { JSONValue.Member($0.subject.description, .int($0.count)) }),
      "closes": .object(closes.map { JSONValue.Member(String($0.code), .int($0.count)) }),
      "refused_requests": .object(refusals.map { JSONValue.Member(String($0.status), .int($0.count)) }),
      "limits": .object(limitHits.map { JSONValue.Member($0.limit.rawValue, .int($0.count)) }),
      "refused_credentials": .object(credentialRefusals.map { JSONValue.Member($0.reason, .int($0.count)) }),
      "rss_bytes": .int(residentByteCount), "cpu_ms": .int(Int64(cpuSeconds * 1_000)),
      "shards": .array(shards.map(\.json)),
    ])
    guard case .object(var members) = json, let tls else { return json }
    members.insert(.init("tls", tls.json), at: members.count - 1)
    return .object(members)
  }
}
