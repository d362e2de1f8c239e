#if JWT
import JWTKit
import SessionCore
import SessionServer

extension JWTKeys {
  static let maxKeyCount = 64

  /// A JSON Web Key Set (RFC 7517 section 5). Keys for something else (`use`, `key_ops`, `alg`), or of kinds that are not
  /// known here, are passed over, as the RFC asks; a key of a known kind that is broken is a fault.
  /// - Throws: `CredentialFileFault`.
  public static func jwks(_ path: String) async throws -> JWTKeys {
    let file = try CredentialFile(path)
    try file.requireIntegrity()
    guard let entries = (try? JSONValue(parsing: file.bytes))?["keys"]?.arrayValue else {
      throw CredentialFileFault.bad(path: path, reason: #"is no JSON Web Key Set: {"keys":[…]}"#)
    }
    guard entries.count <= maxKeyCount else {
      throw CredentialFileFault.bad(path: path, reason: "has \(entries.count) keys, \(maxKeyCount) at most")
    }
    var keys: [Key] = []
    for (index, entry) in entries.enumerated() {
      let jwk = JWKEntry(json: entry, place: "keys[\(index)]", path: path)
      if jwk.type == "oct" { try file.requireSecrecy() }
      guard jwk.isForSignatures, let algorithm = try await jwk.algorithm() else { continue }
      keys.append(Key(id: entry["kid"]?.stringValue, algorithm: algorithm))
    }
    guard !keys.isEmpty else {
      throw CredentialFileFault.bad(path: path, reason: "has no key for RS256, ES256, EdDSA or HS256")
    }
    return JWTKeys(keys: keys)
  }
}

/// One key of a set.
private struct JWKEntry {
  let json: JSONValue
  let place: String
  let path: String

  var type: String? { json["kty"]?.stringValue }

  /// RFC 7517 sections 4.2 and 4.3.
  var isForSignatures: Bool {
    if let use = json["use"], use != "sig" { return false }
    if let operations = json["key_ops"]?.arrayValue, !operations.contains("verify") { return false }
    return true
  }

  /// Nil for a key that is not for one of our algorithms.
  func algorithm() async throws -> (any JWTAlgorithm)? {
    let collection = JWTKeyCollection()
    switch (type, json["crv"]?.stringValue) {
    case ("RSA", _) where isFor("RS256"):
      let key = try known { try Insecure.RSA.PublicKey(modulus: try text("n"), exponent: try text("e")) }
      await collection.add(rsa: key, digestAlgorithm: .sha256)
    case ("EC", "P-256") where isFor("ES256"):
      let key = try known { try ES256PublicKey(parameters: (x: try text("x"), y: try text("y"))) }
      await collection.add(ecdsa: key)
    case ("OKP", "Ed25519") where isFor("EdDSA"):
      let key = try known { try EdDSA.PublicKey(x: try text("x"), curve: .ed25519) }
      await collection.add(eddsa: key)
    case ("oct", _) where isFor("HS256"):
      guard let secret = Base64URL.decode(Substring(try text("k"))) else { throw fault("k is not base64url") }
      return try await JWTKeys.algorithm(secret: secret, path)
    default: return nil
    }
    return try await collection.getKey()
  }

  private func isFor(_ algorithm: String) -> Bool { json["alg"] == nil || json["alg"]?.stringValue == algorithm }

  private func text(_ name: String) throws(CredentialFileFault) -> String {
    guard let text = json[name]?.stringValue else { throw fault("\(name) is missing") }
    return text
  }

  private func known<Key>(_ make: () throws -> Key) throws -> Key {
    do {
      return try make()
    } catch let fault as CredentialFileFault {
      throw fault
    } catch {
      throw fault("is no valid key of its kind; an RSA key has at least 2048 bits")
    }
  }

  private func fault(_ reason: String) -> CredentialFileFault {
    .bad(path: path, reason: "\(place): \(reason)")
  }
}
#endif
