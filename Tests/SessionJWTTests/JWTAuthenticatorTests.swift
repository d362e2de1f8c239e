#if JWT
import JWTKit
import SessionCore
import SessionJWT
import SessionServer
import Testing

@Suite("JWTAuthenticator")
struct JWTAuthenticatorTests {
  private func authenticator(_ change: (inout JWTRules) -> Void = { _ in }) async throws -> JWTAuthenticator {
    var rules = JWTRules()
    change(&rules)
    let keys = try await withFile(Issuer.secret + "\n") { try await JWTKeys.secret($0) }
    return JWTAuthenticator(keys: keys, rules: rules, clock: { Issuer.now * 1_000 })
  }

  private func judge(_ claims: JSONValue, _ change: (inout JWTRules) -> Void = { _ in }) async throws -> (Principal?, String?) {
    outcome(try await authenticator(change), try await Issuer.hmac().token(claims))
  }

  // MARK: Claims

  @Test func `sub is the user, permissions are theirs`() async throws {
    let list = try await judge(["sub": "ann", "permissions": ["join:lobby", "app.admin"]])
    #expect(list.0 == Principal(user: "ann", permissions: ["join:lobby", "app.admin"]))
    let text = try await judge(["sub": "ann", "scope": "openid join:*"]) { $0.permissionsClaim = "scope" }
    #expect(text.0?.permissions == ["openid", "join:*"])
    let none = try await judge(["sub": "ann"])
    #expect(none.0?.permissions == [])
    let standard = try await judge(["sub": "ann"]) { $0.defaultPermissions = ["join:*"] }
    #expect(standard.0?.permissions == ["join:*"])
    let other = try await judge(["email": "ann@example.com"]) { $0.userClaim = "email" }
    #expect(other.0?.user == "ann@example.com")
  }

  @Test(arguments: [
    (-100, "expired"), (-30, "expired"), (-29, nil), (0, nil), (100, nil),
  ] as [(Int64, String?)])
  func `exp counts to the leeway`(_ seconds: Int64, _ reason: String?) async throws {
    let found = try await judge(["sub": "ann", "exp": .number(String(Issuer.now + seconds))])
    #expect(found.1 == reason)
  }

  @Test func `what is left of the life is told`() async throws {
    #expect(try await judge(["sub": "ann", "exp": 1_767_225_700]).0?.validForMilliseconds == 100_000)
    #expect(try await judge(["sub": "ann", "exp": .number("1767225600.5")]).0?.validForMilliseconds == 500)
    // By the leeway alone, to its end.
    #expect(try await judge(["sub": "ann", "exp": 1_767_225_590]).0?.validForMilliseconds == 20_000)
    #expect(try await judge(["sub": "ann"]).0?.validForMilliseconds == .some(nil))
  }

  @Test(arguments: [
    (["nbf": 1_767_225_631], "not_yet_valid"), (["nbf": 1_767_225_630], nil),
    (["iat": 1_767_225_631], "issued_in_the_future"), (["iat": 1_767_225_600], nil),
    (["exp": "tomorrow"], "malformed_claim"), (["exp": nil], "malformed_claim"), (["nbf": [1]], "malformed_claim"),
    (["exp": .number("1e400")], "malformed_claim"), (["exp": .number("-1e11")], "expired"),
    (["aud": "chat"], "audience"), (["aud": []], "audience"), (["aud": ["chat", 7]], "malformed_claim"),
    (["permissions": 7], "permissions"), (["permissions": ["join:a", 7]], "permissions"),
    (["permissions": ["a\u{7}"]], "permissions"), (["permissions": [""]], "permissions"),
    (["permissions": nil], "permissions"), (["permissions": ["a": true]], "permissions"),
  ] as [(JSONValue, String?)])
  func `claims that are wrong have a reason`(_ more: JSONValue, _ reason: String?) async throws {
    guard case .object(let members) = more else { return }
    #expect(try await judge(.object([.init("sub", "ann")] + members)).1 == reason)
  }

  @Test(arguments: [
    [:], ["sub": 7], ["sub": nil], ["sub": ""], ["sub": ["ann"]], ["sub": "ann\n"],
    ["sub": .string(String(repeating: "a", count: 129))],
  ] as [JSONValue])
  func `a user is a short text`(_ claims: JSONValue) async throws {
    #expect(try await judge(claims).1 == "user")
  }

  @Test(arguments: [
    ("chat", "me", nil), (nil, "me", "audience"), ("mail", "me", "audience"), ("chat", "you", "issuer"),
    ("chat", nil, "issuer"),
  ] as [(String?, String?, String?)])
  func `audience and issuer are asked for`(_ audience: String?, _ issuer: String?, _ reason: String?) async throws {
    var claims: [JSONValue.Member] = [.init("sub", "ann")]
    if let audience { claims.append(.init("aud", .array(["other", .string(audience)]))) }
    if let issuer { claims.append(.init("iss", .string(issuer))) }
    let found = try await judge(.object(claims)) { ($0.audiences, $0.issuer) = (["chat", "chat2"], "me") }
    #expect(found.1 == reason)
  }

  @Test func `a life without end can be refused`() async throws {
    #expect(try await judge(["sub": "ann"]) { $0.requiresExpiry = true }.1 == "no_expiry")
  }

  // MARK: Forgeries

  @Test(arguments: [
    (["alg": "none"], "algorithm"), (["alg": "HS512"], "algorithm"), (["alg": "hs256"], "algorithm"),
    (["typ": "JWT"], "malformed"), (["alg": 7], "malformed"), (["alg": "HS256", "kid": 7], "malformed"),
    (["alg": "HS256", "crit": ["b64"], "b64": false], "critical_header"), (["alg": "HS256", "crit": []], "critical_header"),
    (["alg": "HS256", "kid": "any"], nil), (["alg": "HS256", "jku": "http://evil.example/keys"], nil),
  ] as [(JSONValue, String?)])
  func `a header decides nothing`(_ header: JSONValue, _ reason: String?) async throws {
    let token = try await Issuer.hmac().token(["sub": "ann"], header: header)
    #expect(outcome(try await authenticator(), token).1 == reason)
  }

  @Test func `what was not signed is refused`() async throws {
    let authenticator = try await authenticator()
    let token = try await Issuer.hmac().token(["sub": "ann"])
    let other = try await Issuer.hmac().token(["sub": "bob"])
    let parts = token.split(separator: "."), others = other.split(separator: ".")
    #expect(outcome(authenticator, "\(parts[0]).\(others[1]).\(parts[2])").1 == "signature")
    #expect(outcome(authenticator, "\(parts[0]).\(parts[1]).").1 == "signature")
    #expect(outcome(authenticator, try await Issuer.hmac("another secret, of thirty-two bytes").token(["sub": "ann"])).1 == "signature")
    let none = Base64URL.encode(Array(#"{"alg":"none"}"#.utf8))
    #expect(outcome(authenticator, "\(none).\(parts[1]).").1 == "algorithm")
  }

  @Test func `what is no token is refused`() async throws {
    let authenticator = try await authenticator()
    let token = try await Issuer.hmac().token(["sub": "ann"])
    for text in ["", ".", "..", "a.b", "a.b.c", token + ".", "." + token, token + "=", " " + token, token + "\n"] {
      #expect(outcome(authenticator, text).1 == "malformed", "\(text)")
    }
    let duplicate = #"{"alg":"HS256","alg":"HS256"}"#
    #expect(outcome(authenticator, Base64URL.encode(Array(duplicate.utf8)) + ".e30.").1 == "malformed")
    #expect(outcome(authenticator, token + String(repeating: "A", count: 8_192)).1 == "too_long")
    #expect(outcome(authenticator, token, scheme: "token").1 == "scheme")
    #expect(throws: CredentialRefusal.self) {
      try authenticator.authenticateAtOnce(Credentials(scheme: "jwt", secret: nil, remote: "test"))
    }
  }

  @Test func `a payload that comes twice is refused though it is signed`() async throws {
    let signed = Base64URL.encode(Array(#"{"alg":"HS256"}"#.utf8)) + "."
      + Base64URL.encode(Array(#"{"sub":"ann","sub":"root"}"#.utf8))
    let signature = try await Issuer.hmac().algorithm.sign(Array(signed.utf8))
    #expect(outcome(try await authenticator(), signed + "." + Base64URL.encode(signature)).1 == "malformed")
  }
}
#endif
