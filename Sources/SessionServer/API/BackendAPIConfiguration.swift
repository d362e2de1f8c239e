import SessionCore

/// How backends reach the server: docs/BACKENDS.md, "The API".
public struct BackendAPIConfiguration: Sendable {
  /// A name or address to listen on, IPv6 without brackets.
  public var host = "127.0.0.1"
  /// 0: any that is free; `SessionServer.boundAPIPort` tells which.
  public var port = 9_001
  /// What every request has to show as `Authorization: Bearer`; only its digest is kept.
  let secretDigest: [UInt8]
  /// Connections at one time; one more is answered with 503.
  public var connectionCount = 64
  public var bodyByteCount = 1_048_576
  /// Time for the head of a request to arrive, and again for its body.
  public var requestTimeoutMilliseconds: UInt64 = 10_000
  /// Answers that are kept for requests which come again with the same `Idempotency-Key`, and for how long.
  public var idempotencyCount = 10_000
  public var idempotencyTTLMilliseconds: UInt64 = 600_000

  public init(secret: Secret) { secretDigest = SHA256.digest(Array(secret.reveal().utf8)) }

  var serverLimits: HTTPServerLimits {
    var limits = HTTPServerLimits()
    (limits.connectionCount, limits.bodyByteCount) = (connectionCount, bodyByteCount)
    limits.requestMilliseconds = Int64(clamping: requestTimeoutMilliseconds)
    return limits
  }
}
