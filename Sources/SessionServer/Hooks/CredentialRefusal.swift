import Synchronization

/// Why an authenticator turns a credential down. For operators: it is logged at level debug and counted; the client
/// gets `ProtocolError.authenticationFailed`, whatever the reason.
public struct CredentialRefusal: Error, Sendable {
  /// A word such as `expired`. A constant of the program, so that no credential can be in it, and so that there are few.
  public let reason: StaticString

  public init(_ reason: StaticString) { self.reason = reason }

  /// The scheme is not one that this authenticator takes.
  public static var scheme: CredentialRefusal { CredentialRefusal("scheme") }
  /// There is no credential.
  public static var missing: CredentialRefusal { CredentialRefusal("missing") }
  /// Nobody has this credential.
  public static var unknown: CredentialRefusal { CredentialRefusal("unknown") }
}

/// How often credentials were turned down, by reason.
final class RefusalTally: Sendable {
  private let counts = Mutex<[String: UInt64]>([:])

  func add(_ reason: String) { counts.withLock { $0[reason, default: 0] += 1 } }

  var all: [(reason: String, count: UInt64)] {
    counts.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}
