import SessionCore
import SessionTLS

/// What operators see of TLS: never the key.
struct TLSFigures: Sendable {
  var certificate: CertificateFacts
  var succeededCount: UInt64
  /// By reason.
  var failures: [(reason: String, count: UInt64)]
  /// Seconds since 1970.
  var now: Int64

  var json: JSONValue {
    .members([
      "certificate": .members([
        "subject": .string(certificate.subject), "issuer": .string(certificate.issuer),
        "names": .array(certificate.names.map { .string($0.text) }),
        "not_before": .string(CertificateFacts.date(certificate.notBefore)),
        "not_after": .string(CertificateFacts.date(certificate.notAfter)),
        "days_left": .int(certificate.daysLeft(at: now)),
      ]),
      "handshakes": .members([
        "ok": .int(succeededCount),
        "failed": .object(failures.map { JSONValue.Member($0.reason, .int($0.count)) }),
      ]),
    ])
  }

  func add(to encoder: inout MetricsEncoder) {
    encoder.add(
      "wscore_tls_handshakes_total", .counter, "TLS handshakes by result; ok, or the class of what went wrong.",
      [.init(Double(succeededCount), "result", "ok")]
        + failures.map { .init(Double($0.count), "result", $0.reason) })
    encoder.add(
      "wscore_tls_certificate_not_after_timestamp_seconds", .gauge, "When the server's certificate expires.",
      certificate.notAfter)
    encoder.add(
      "wscore_tls_certificate_days_left", .gauge, "Whole days until the server's certificate expires.",
      certificate.daysLeft(at: now))
  }
}
