import Synchronization

/// How TLS handshakes ended. The reasons are few and ours, so that each can be a label of a metric.
final class HandshakeTally: Sendable {
  enum Failure: String, CaseIterable, Sendable {
    /// What came is no TLS.
    case plaintext
    /// No version or cipher in common.
    case version
    /// The client's certificate is missing or no good.
    case certificate
    /// The client turned the server's certificate down.
    case refused
    /// The client left in the middle.
    case aborted
    /// It took longer than a handshake may.
    case timeout
    /// There was no place for one more connection, nor for telling it so.
    case full
    case other
  }

  private let counts = Mutex<(succeeded: UInt64, failed: [Failure: UInt64])>((0, [:]))

  func succeeded() { counts.withLock { $0.succeeded += 1 } }

  func failed(_ failure: Failure) { counts.withLock { $0.failed[failure, default: 0] += 1 } }

  var succeededCount: UInt64 { counts.withLock { $0.succeeded } }

  /// Every reason, also those that did not happen.
  var failures: [(reason: String, count: UInt64)] {
    let failed = counts.withLock { $0.failed }
    return Failure.allCases.map { ($0.rawValue, failed[$0] ?? 0) }
  }
}
