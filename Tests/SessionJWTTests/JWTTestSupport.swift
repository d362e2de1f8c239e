#if JWT
import Glibc
import JWTKit
import SessionCore
import SessionJWT
import SessionServer

/// A file for the time of a test.
func withFile<Result>(
  _ text: String, mode: mode_t = 0o600, _ body: (String) async throws -> Result
) async throws -> Result {
  let path = "/tmp/wscore-jwt-\(UInt64.random(in: 0 ... .max))"
  let descriptor = open(path, O_CREAT | O_WRONLY, mode)
  defer { unlink(path) }
  var text = text
  text.withUTF8 { bytes in _ = write(descriptor, bytes.baseAddress, bytes.count) }
  fchmod(descriptor, mode)
  close(descriptor)
  return try await body(path)
}

/// Tokens signed as an issuer would, and as one would who means harm.
struct Issuer {
  static let secret = "0123456789abcdef0123456789abcdef"
  /// 2026-01-01T00:00:00Z
  static let now: Int64 = 1_767_225_600

  let algorithm: any JWTAlgorithm

  static func hmac(_ secret: String = Issuer.secret) async throws -> Issuer {
    let collection = JWTKeyCollection()
    await collection.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
    return Issuer(algorithm: try await collection.getKey())
  }

  func token(_ claims: JSONValue, header: JSONValue? = nil) throws -> String {
    let header = header ?? ["alg": .string(algorithm.name), "typ": "JWT"]
    let signed = Base64URL.encode(header.bytes) + "." + Base64URL.encode(claims.bytes)
    return signed + "." + Base64URL.encode(try algorithm.sign(Array(signed.utf8)))
  }
}

/// The principal, or the reason of the refusal.
func outcome(_ authenticator: JWTAuthenticator, _ token: String, scheme: String = "jwt") -> (Principal?, String?) {
  do {
    let credentials = Credentials(scheme: scheme, secret: Secret(token), remote: "test")
    return (try authenticator.authenticateAtOnce(credentials), nil)
  } catch let refusal as CredentialRefusal {
    return (nil, "\(refusal.reason)")
  } catch {
    return (nil, "unexpected \(error)")
  }
}
#endif
