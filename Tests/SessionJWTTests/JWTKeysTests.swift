#if JWT
import Glibc
import JWTKit
import SessionCore
import SessionJWT
import SessionServer
import Testing

@Suite("JWTKeys")
struct JWTKeysTests {
  private func authenticator(_ keys: JWTKeys) -> JWTAuthenticator {
    JWTAuthenticator(keys: keys, clock: { Issuer.now * 1_000 })
  }

  private func issuer(_ add: (JWTKeyCollection) async throws -> Void) async throws -> Issuer {
    let collection = JWTKeyCollection()
    try await add(collection)
    return Issuer(algorithm: try await collection.getKey())
  }

  private func user(_ keys: JWTKeys, _ issuer: Issuer, header: JSONValue? = nil) throws -> (Principal?, String?) {
    outcome(authenticator(keys), try issuer.token(["sub": "ann"], header: header))
  }

  // MARK: PEM

  @Test func `each kind of public key takes its own algorithm`() async throws {
    let ecdsa = ES256PrivateKey(), eddsa = try EdDSA.PrivateKey(), rsa = try Insecure.RSA.PrivateKey(pem: TestKeys.rsa)
    let cases = [
      (ecdsa.publicKey.pemRepresentation, try await issuer { await $0.add(ecdsa: ecdsa) }, "ES256"),
      (eddsa.publicKey.pemRepresentation, try await issuer { await $0.add(eddsa: eddsa) }, "EdDSA"),
      (rsa.publicKey.pemRepresentation, try await issuer { await $0.add(rsa: rsa, digestAlgorithm: .sha256) }, "RS256"),
    ]
    for (pem, issuer, name) in cases {
      let keys = try await withFile(pem, mode: 0o644) { try await JWTKeys.pem($0) }
      #expect(keys.keys.map(\.algorithm.name) == [name])
      #expect(try user(keys, issuer).0?.user == "ann")
      // The public key taken for a shared secret.
      for secret in [pem, pem + "\n"] {
        #expect(try user(keys, try await Issuer.hmac(secret)).1 == "algorithm")
      }
      #expect(try user(keys, issuer, header: ["alg": "none"]).1 == "algorithm")
    }
    let keys = try await withFile(cases[0].0) { try await JWTKeys.pem($0) }
    // Right algorithm by name, wrong key.
    #expect(try user(keys, cases[1].1, header: ["alg": "ES256"]).1 == "signature")
    #expect(try user(keys, try await issuer { await $0.add(ecdsa: ES256PrivateKey()) }).1 == "signature")
  }

  @Test func `a file that is no public key is refused`() async throws {
    let eddsa = try EdDSA.PrivateKey()
    await #expect(throws: CredentialFileFault.self) { try await withFile("hello") { try await JWTKeys.pem($0) } }
    let fault = await #expect(throws: CredentialFileFault.self) {
      try await withFile(TestKeys.rsa) { try await JWTKeys.pem($0) }
    }
    #expect(fault?.description.contains("is a private key") == true)
    await #expect(throws: CredentialFileFault.self) {
      try await withFile(ES384PrivateKey().publicKey.pemRepresentation) { try await JWTKeys.pem($0) }
    }
    let writable = await #expect(throws: CredentialFileFault.self) {
      try await withFile(eddsa.publicKey.pemRepresentation, mode: 0o666) { try await JWTKeys.pem($0) }
    }
    #expect(writable?.description.contains("chmod o-w") == true)
    await #expect(throws: CredentialFileFault.self) { try await JWTKeys.pem("/nonexistent/key.pem") }
  }

  // MARK: Shared secrets

  @Test func `a secret is the bytes of its file, or base64url`() async throws {
    let issuer = try await Issuer.hmac()
    for text in [Issuer.secret, Issuer.secret + "\n", Issuer.secret + "\r\n", "base64url:" + Base64URL.encode(Issuer.secret.utf8) + "\n"] {
      #expect(try user(try await withFile(text) { try await JWTKeys.secret($0) }, issuer).0?.user == "ann")
    }
  }

  @Test(arguments: [("too short", 0o600), ("base64url:=", 0o600), ("base64url:c2hvcnQ", 0o600), (Issuer.secret, 0o644)] as [(String, mode_t)])
  func `a weak secret is refused`(_ text: String, _ mode: mode_t) async throws {
    let fault = await #expect(throws: CredentialFileFault.self) {
      try await withFile(text, mode: mode) { try await JWTKeys.secret($0) }
    }
    #expect(fault?.description.contains(text) == false)
  }

  // MARK: JWKS

  private func key(_ ecdsa: ES256PrivateKey, _ more: [JSONValue.Member]) -> JSONValue {
    // jwt-kit tells coordinates in plain base64.
    let url = { (text: String) in
      JSONValue.string(String(text.compactMap { ["+": "-", "/": "_", "=": nil][$0, default: $0] }))
    }
    let point = ecdsa.parameters ?? (x: "", y: "")
    return .object([.init("kty", "EC"), .init("crv", "P-256"), .init("x", url(point.x)), .init("y", url(point.y))] + more)
  }

  private func set(_ keys: [JSONValue], mode: mode_t = 0o600) async throws -> JWTKeys {
    try await withFile(JSONValue.object([.init("keys", .array(keys))]).text, mode: mode) { try await JWTKeys.jwks($0) }
  }

  @Test func `the key is found by its name`() async throws {
    let old = ES256PrivateKey(), new = ES256PrivateKey()
    let keys = try await set(
      [key(old, [.init("kid", "old")]), key(new, [.init("kid", "new"), .init("alg", "ES256"), .init("use", "sig")])],
      mode: 0o644)
    let issuer = try await issuer { await $0.add(ecdsa: new) }
    #expect(try user(keys, issuer, header: ["alg": "ES256", "kid": "new"]).0?.user == "ann")
    #expect(try user(keys, issuer, header: ["alg": "ES256"]).0?.user == "ann")
    #expect(try user(keys, issuer, header: ["alg": "ES256", "kid": "old"]).1 == "signature")
    #expect(try user(keys, issuer, header: ["alg": "ES256", "kid": "other"]).1 == "key_id")
  }

  @Test func `a secret in a set is a secret`() async throws {
    let secret: JSONValue = ["kty": "oct", "kid": "s", "k": .string(Base64URL.encode(Issuer.secret.utf8))]
    #expect(try user(try await set([secret]), try await Issuer.hmac()).0?.user == "ann")
    await #expect(throws: CredentialFileFault.self) { try await set([secret], mode: 0o644) }
    await #expect(throws: CredentialFileFault.self) { try await set([["kty": "oct", "k": "c2hvcnQ"]]) }
  }

  @Test func `keys for something else are passed over, broken ones are not`() async throws {
    let ecdsa = ES256PrivateKey()
    let good = key(ecdsa, [])
    let foreign: [JSONValue] = [
      ["kty": "RSA", "alg": "RS512", "n": "AQAB", "e": "AQAB"], ["kty": "EC", "crv": "P-384"], ["kty": "AKP"],
      key(ecdsa, [.init("use", "enc")]), key(ecdsa, [.init("key_ops", ["sign"])]), [:], 7,
    ]
    #expect(try await set(foreign + [good]).keys.count == 1)
    await #expect(throws: CredentialFileFault.self) { try await set(foreign) }
    let broken: [JSONValue] = [
      ["kty": "RSA", "n": "AQAB", "e": "AQAB"], ["kty": "RSA"], ["kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"],
      ["kty": "OKP", "crv": "Ed25519", "x": "AA"], ["kty": "oct", "k": "="],
    ]
    for entry in broken {
      let fault = await #expect(throws: CredentialFileFault.self) { try await set([good, entry]) }
      #expect(fault?.description.contains("keys[1]") == true || entry["kty"] == "oct", "\(entry.text)")
    }
    await #expect(throws: CredentialFileFault.self) { try await withFile("{}") { try await JWTKeys.jwks($0) } }
    await #expect(throws: CredentialFileFault.self) { try await set(Array(repeating: good, count: 65)) }
  }
}
#endif
