#if JWT
import SessionCore
import SessionServer

/// What is asked of a token's claims (RFC 7519 section 4.1), and who it makes of its bearer.
public struct JWTRules: Sendable {
  /// One of these must be in `aud`. If there is none, a token that names an audience is refused: it is for somebody else.
  public var audiences: [String] = []
  /// What `iss` must be; nil for anything.
  public var issuer: String?
  /// How far the issuer's clock may be from ours.
  public var leewayMilliseconds: UInt64 = 30_000
  /// The claim that names the user: a text of 1 to 128 bytes without control characters.
  public var userClaim = "sub"
  /// The claim with the permissions: a list of texts, or a text with blanks between them.
  public var permissionsClaim = "permissions"
  /// Permissions of a token that has not the claim.
  public var defaultPermissions: [String] = []
  /// Whether a token without `exp` is refused.
  public var requiresExpiry = false

  static let maxPermissionCount = 128
  static let maxPermissionByteCount = 256

  public init() {}

  /// - Parameter now: milliseconds since 1970, UTC.
  func principal(of claims: JSONValue, at now: Int64) throws(CredentialRefusal) -> Principal {
    let validFor = try remainingLife(claims, now)
    try checkIssuer(claims)
    try checkAudience(claims)
    guard let user = claims[userClaim]?.stringValue, UserName.isValid(user) else { throw CredentialRefusal("user") }
    return Principal(user: user, permissions: try permissions(claims), validForMilliseconds: validFor)
  }

  // MARK: Time

  /// From `exp`; nil without. A token that lives by the leeway alone lives to its end.
  private func remainingLife(_ claims: JSONValue, _ now: Int64) throws(CredentialRefusal) -> UInt64? {
    let leeway = Int64(min(leewayMilliseconds, 1 << 40))
    if let notBefore = try time(claims, "nbf"), now + leeway < notBefore { throw CredentialRefusal("not_yet_valid") }
    if let issuedAt = try time(claims, "iat"), now + leeway < issuedAt { throw CredentialRefusal("issued_in_the_future") }
    guard let expiry = try time(claims, "exp") else {
      guard !requiresExpiry else { throw CredentialRefusal("no_expiry") }
      return nil
    }
    guard now < expiry + leeway else { throw CredentialRefusal("expired") }
    return UInt64((now < expiry ? expiry : expiry + leeway) - now)
  }

  /// A NumericDate (RFC 7519 section 2) in milliseconds: seconds, perhaps with a fraction.
  private func time(_ claims: JSONValue, _ name: String) throws(CredentialRefusal) -> Int64? {
    guard let claim = claims[name] else { return nil }
    guard case .number(let text) = claim, let seconds = Double(text), abs(seconds) < 1e12 else {
      throw CredentialRefusal("malformed_claim")
    }
    return Int64((seconds * 1_000).rounded(.down))
  }

  // MARK: Who, and for whom

  private func checkIssuer(_ claims: JSONValue) throws(CredentialRefusal) {
    guard let issuer else { return }
    guard claims["iss"]?.stringValue?.isSameName(as: issuer) == true else { throw CredentialRefusal("issuer") }
  }

  private func checkAudience(_ claims: JSONValue) throws(CredentialRefusal) {
    let named: [String]
    switch claims["aud"] {
    case nil: named = []
    case .string(let audience): named = [audience]
    case .array(let values): named = try JWTRules.texts(values, "malformed_claim")
    default: throw CredentialRefusal("malformed_claim")
    }
    let isForUs = named.contains { name in audiences.contains { $0.isSameName(as: name) } }
    guard isForUs || claims["aud"] == nil && audiences.isEmpty else {
      throw CredentialRefusal("audience")
    }
  }

  private func permissions(_ claims: JSONValue) throws(CredentialRefusal) -> [String] {
    let permissions: [String]
    switch claims[permissionsClaim] {
    case nil: return defaultPermissions
    case .string(let text): permissions = text.split(separator: " ").map(String.init)
    case .array(let values): permissions = try JWTRules.texts(values, "permissions")
    default: throw CredentialRefusal("permissions")
    }
    let areFit = permissions.allSatisfy {
      1...JWTRules.maxPermissionByteCount ~= $0.utf8.count && !$0.hasControlCharacter
    }
    guard permissions.count <= JWTRules.maxPermissionCount, areFit else { throw CredentialRefusal("permissions") }
    return permissions
  }

  private static func texts(_ values: [JSONValue], _ reason: StaticString) throws(CredentialRefusal) -> [String] {
    let texts = values.compactMap(\.stringValue)
    guard texts.count == values.count else { throw CredentialRefusal(reason) }
    return texts
  }
}
#endif
