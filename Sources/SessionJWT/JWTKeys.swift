#if JWT
import JWTKit
import SessionCore
import SessionServer

/// The keys that tokens may be signed with. Each is good for one algorithm only, whatever a token says: so nobody can
/// have a public key taken for a shared secret.
public struct JWTKeys: Sendable {
  package struct Key: Sendable {
    /// `kid` of a JWKS; nil fits every token.
    package var id: String?
    package var algorithm: any JWTAlgorithm
  }

  package let keys: [Key]

  /// A shared secret for HS256 has at least as many bytes as the hash (RFC 7518 section 3.2).
  static let minSecretByteCount = 32

  // MARK: Files

  /// A public key in PEM (`-----BEGIN PUBLIC KEY-----`): RSA of at least 2,048 bits for RS256, P-256 for ES256, Ed25519
  /// for EdDSA.
  /// - Throws: `CredentialFileFault`.
  public static func pem(_ path: String) async throws -> JWTKeys {
    let file = try CredentialFile(path)
    guard !file.text.contains("PRIVATE KEY-----") else {
      throw CredentialFileFault.bad(
        path: path, reason: "is a private key; give the public one: openssl pkey -in \(path) -pubout")
    }
    try file.requireIntegrity()
    return JWTKeys(keys: [Key(algorithm: try await algorithm(pem: file.text, path))])
  }

  /// A shared secret for HS256: the bytes of the file, without the end of its last line; or, after `base64url:`, the
  /// bytes that the rest stands for.
  /// - Throws: `CredentialFileFault`.
  public static func secret(_ path: String) async throws -> JWTKeys {
    let file = try CredentialFile(path)
    try file.requireSecrecy()
    var bytes = file.bytes[...]
    if bytes.last == 0x0A { bytes.removeLast() }
    if bytes.last == 0x0D { bytes.removeLast() }
    let prefix = Array("base64url:".utf8)
    if bytes.starts(with: prefix) {
      let text = Substring(decoding: bytes.dropFirst(prefix.count), as: UTF8.self)
      guard let decoded = Base64URL.decode(text) else {
        throw CredentialFileFault.bad(path: path, reason: "what follows base64url: is not base64url without padding")
      }
      bytes = decoded[...]
    }
    return JWTKeys(keys: [Key(algorithm: try await algorithm(secret: Array(bytes), path))])
  }

  // MARK: Verification

  func verify(_ parts: JWTParts) throws(CredentialRefusal) {
    let ofAlgorithm = keys.filter { $0.algorithm.name == parts.algorithm }
    guard !ofAlgorithm.isEmpty else { throw CredentialRefusal("algorithm") }
    let candidates = ofAlgorithm.filter { key in
      guard let id = key.id, let wanted = parts.keyID else { return true }
      return id.isSameName(as: wanted)
    }
    guard !candidates.isEmpty else { throw CredentialRefusal("key_id") }
    let isSigned = candidates.contains { key in
      (try? key.algorithm.verify(parts.signature, signs: parts.signed)) == true
    }
    guard isSigned else { throw CredentialRefusal("signature") }
  }

  // MARK: Algorithms

  private static func algorithm(pem: String, _ path: String) async throws -> any JWTAlgorithm {
    let collection = JWTKeyCollection()
    do {
      await collection.add(rsa: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: .sha256)
    } catch {
      if let key = try? ES256PublicKey(pem: pem) {
        await collection.add(ecdsa: key)
      } else if let key = try? EdDSA.PublicKey(pem: pem) {
        await collection.add(eddsa: key)
      } else {
        throw CredentialFileFault.bad(
          path: path,
          reason: "holds no public key in PEM (-----BEGIN PUBLIC KEY-----) of RSA from 2048 bits, P-256 or Ed25519")
      }
    }
    return try await collection.getKey()
  }

  static func algorithm(secret: [UInt8], _ path: String) async throws -> any JWTAlgorithm {
    guard secret.count >= minSecretByteCount else {
      throw CredentialFileFault.bad(
        path: path,
        reason: "a secret for HS256 has at least \(minSecretByteCount) bytes; make one with: openssl rand -hex 32")
    }
    let collection = JWTKeyCollection()
    await collection.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
    return try await collection.getKey()
  }
}
#endif
