#if JWT
import SessionCore
import SessionServer

/// Users by their JSON Web Tokens (RFC 7519), signed with HS256, RS256, ES256 or EdDSA.
///
///     var rules = JWTRules()
///     rules.audiences = ["chat"]
///     let authenticator = try await ReloadingAuthenticator("jwks.json", logger: logger) { path in
///       JWTAuthenticator(keys: try await .jwks(path), rules: rules)
///     }
///
/// Takes credentials of the schemes `jwt` and `bearer`. The remaining life of a token bounds that of its connection.
public struct JWTAuthenticator: ImmediateAuthenticator {
  private let keys: JWTKeys
  private let rules: JWTRules
  private let clock: @Sendable () -> Int64

  /// - Parameter clock: milliseconds since 1970, UTC; nil for the time of day.
  public init(keys: JWTKeys, rules: JWTRules = JWTRules(), clock: (@Sendable () -> Int64)? = nil) {
    (self.keys, self.rules, self.clock) = (keys, rules, clock ?? { WallClock.milliseconds() })
  }

  public func authenticateAtOnce(_ credentials: Credentials) throws -> Principal {
    guard credentials.scheme == "jwt" || credentials.scheme == "bearer" else { throw CredentialRefusal.scheme }
    guard let secret = credentials.secret else { throw CredentialRefusal.missing }
    let parts = try JWTParts(secret.reveal())
    try keys.verify(parts)
    return try rules.principal(of: try parts.claims(), at: clock())
  }
}
#endif
