/// Prometheus' text format, version 0.0.4. Names and label names are ours; label values are escaped.
package struct MetricsEncoder {
  package enum Kind: String { case counter, gauge }

  package private(set) var text = ""

  package init() {}

  package struct Sample {
    var value: Double
    var label: (name: String, value: String)?

    package init(_ value: Double, _ name: String, _ label: String) { (self.value, self.label) = (value, (name, label)) }

    package init(_ value: Double) { self.value = value }
  }

  /// One family with its samples. A counter's name ends in `_total`.
  package mutating func add(
    _ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]
  ) {
    text += "# HELP \(name) \(MetricsEncoder.escape(help, quote: false))\n# TYPE \(name) \(kind.rawValue)\n"
    for sample in samples {
      let label = sample.label.map { "{\($0.name)=\"\(MetricsEncoder.escape($0.value, quote: true))\"}" } ?? ""
      text += "\(name)\(label) \(MetricsEncoder.number(sample.value))\n"
    }
  }

  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger) {
    add(name, kind, help, [.init(Double(value))])
  }

  private static func escape(_ text: String, quote: Bool) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quote: escaped += "\\\""
      default: escaped.append(character)
      }
    }
    return escaped
  }

  /// Whole numbers without a fraction, as far as a Double holds them exactly.
  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 9_007_199_254_740_992 ? String(Int64(value)) : String(value)
  }
}

extension ServerFigures {
  /// Never a session's or a room's name as a label: a scraper keeps each value for ever.
  var metrics: String {
    var encoder = MetricsEncoder()
    encoder.add("wscore_build_info", .gauge, "Always 1; the version is a label.", [.init(1, "version", server)])
    encoder.add("wscore_uptime_seconds", .gauge, "Since the start.", [.init(Double(uptimeMilliseconds) / 1_000)])
    encoder.add("wscore_draining", .gauge, "1 while the server is going down.", isDraining ? 1 : 0)
    encoder.add(
      "wscore_sessions", .gauge, "Sessions by state.",
      [
        .init(Double(sum(\.activeCount)), "state", "active"),
        .init(Double(sum(\.suspendedCount)), "state", "suspended"),
      ])
    encoder.add("wscore_connections", .gauge, "Connections, of every transport.", sum(\.connectionCount))
    encoder.add(
      "wscore_transport_connections", .gauge, "Connections by transport.",
      transports.map { .init(Double($0.count), "transport", $0.name) })
    encoder.add("wscore_sockets", .gauge, "Sockets of the public port.", socketCount)
    encoder.add("wscore_accept_paused", .gauge, "1 while new connections wait for room.", isAcceptPaused ? 1 : 0)
    encoder.add("wscore_rooms", .gauge, "Rooms with a member.", sum(\.roomCount))
    encoder.add("wscore_timers", .gauge, "Deadlines of sessions, connections and rooms that wait.", sum(\.timerCount))
    encoder.add("wscore_outbox_bytes", .gauge, "Bytes that wait in outboxes.", sum(\.outboxByteCount))
    addCounters(&encoder)
    tls?.add(to: &encoder)
    encoder.add("process_resident_memory_bytes", .gauge, "Resident memory.", residentByteCount)
    encoder.add("process_cpu_seconds_total", .counter, "User and system time.", [.init(cpuSeconds)])
    return encoder.text
  }

  private func addCounters(_ encoder: inout MetricsEncoder) {
    let counters: [(String, String, UInt64)] = [
      ("messages_received", "Messages from clients.", sum(\.counters.messagesIn)),
      ("messages_sent", "Messages to clients.", sum(\.counters.messagesOut)),
      ("duplicates_received", "Messages that came again and were dropped.", sum(\.counters.duplicatesIn)),
      ("sessions_created", "Sessions that began.", sum(\.counters.sessionsCreated)),
      ("sessions_ended", "Sessions that ended.", sum(\.counters.sessionsEnded)),
      ("messages_replayed", "Messages sent again after a resume.", sum(\.counters.replayed)),
      ("messages_dropped", "Reliable messages dropped from full outboxes and named in gaps.", sum(\.counters.dropped)),
      (
        "messages_dropped_for_budget", "Of those, the ones dropped since all outboxes together were full.",
        sum(\.counters.budgetDropped)
      ),
      ("messages_conflated", "Reliable messages that a newer one with the same key replaced.", sum(\.counters.conflated)),
      ("transient_dropped", "Transient messages dropped.", sum(\.counters.transientDropped)),
      ("pong_timeouts", "Connections closed for silence.", sum(\.counters.pongTimeouts)),
      ("payloads_refused", "Payloads refused as invalid.", sum(\.counters.payloadsRefused)),
      ("cast_failures", "Messages that could not be cast down and went out as they were.", sum(\.counters.castFailures)),
      ("token_reuses", "Retired resume tokens presented.", sum(\.counters.tokenReuses)),
      ("hellos_refused", "Hellos told to come later by admission control.", sum(\.counters.hellosRefused)),
      ("credentials_refused", "Hellos with a credential that was refused.", sum(\.counters.credentialsRefused)),
      ("credentials_expired", "Connections closed when their credential ended.", sum(\.counters.credentialsExpired)),
      ("sessions_refused", "Sessions refused for a session limit.", sum(\.counters.sessionsRefused)),
      ("sessions_revoked", "Sessions ended by an operator or the application.", sum(\.counters.sessionsRevoked)),
      ("forbidden", "Joins, publishes and events without permission.", sum(\.counters.forbidden)),
    ]
    for (name, help, value) in counters { encoder.add("wscore_\(name)_total", .counter, help, value) }
    encoder.add(
      "wscore_resumes_total", .counter, "Resumes by result.",
      [
        .init(Double(sum(\.counters.resumes)), "result", "ok"),
        .init(Double(sum(\.counters.resumesRefused)), "result", "refused"),
      ])
    encoder.add(
      "wscore_takeovers_total", .counter, "Takeovers of attached sessions by result.",
      [
        .init(Double(sum(\.counters.takeovers)), "result", "ok"),
        .init(Double(sum(\.counters.takeoversRefused)), "result", "refused"),
      ])
    encoder.add(
      "wscore_version_messages_total", .counter, "Messages of sessions, by version of the protocol.",
      versions.map { .init(Double($0.count), "version", String($0.version)) })
    encoder.add(
      "wscore_deprecated_uses_total", .counter, "Messages in versions that will be removed, by what was deprecated.",
      deprecatedUses.map { .init(Double($0.count), "subject", $0.subject.description) })
    encoder.add(
      "wscore_closes_total", .counter, "Connections closed by the server, by close code.",
      closes.map { .init(Double($0.count), "code", String($0.code)) })
    encoder.add(
      "wscore_refused_requests_total", .counter, "HTTP requests turned down, by status.",
      refusals.map { .init(Double($0.count), "status", String($0.status)) })
    encoder.add(
      "wscore_limit_hits_total", .counter, "How often a limit was reached, by limit.",
      limitHits.map { .init(Double($0.count), "limit", $0.limit.rawValue) })
    encoder.add(
      "wscore_refused_credentials_total", .counter, "Credentials turned down, by reason.",
      credentialRefusals.map { .init(Double($0.count), "reason", $0.reason) })
  }
}
