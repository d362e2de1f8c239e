#if JWT
import SessionCore
import SessionServer

/// A token taken apart (RFC 7515 section 7.1). Nothing in it is believed yet: the payload stays as it came until the
/// signature was verified.
struct JWTParts {
  /// Of a token; the same as that of a credential in `hello`.
  static let maxByteCount = 8_192

  let algorithm: String
  let keyID: String?
  /// What was signed: header and payload as they were sent.
  let signed: [UInt8]
  let signature: [UInt8]
  private let encodedPayload: Substring

  init(_ token: String) throws(CredentialRefusal) {
    guard token.utf8.count <= JWTParts.maxByteCount else { throw CredentialRefusal("too_long") }
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let signature = Base64URL.decode(parts[2]) else { throw CredentialRefusal("malformed") }
    let header = try JWTParts.object(parts[0])
    // Nothing of it is understood here, so nothing that must be understood (RFC 7515 section 4.1.11).
    guard header["crit"] == nil else { throw CredentialRefusal("critical_header") }
    guard let algorithm = header["alg"]?.stringValue else { throw CredentialRefusal("malformed") }
    guard header["kid"] == nil || header["kid"]?.stringValue != nil else { throw CredentialRefusal("malformed") }
    (self.algorithm, keyID) = (algorithm, header["kid"]?.stringValue)
    signed = Array(token.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
    self.signature = signature
    encodedPayload = parts[1]
  }

  /// The claims, once the signature was verified.
  func claims() throws(CredentialRefusal) -> JSONValue { try JWTParts.object(encodedPayload) }

  /// JSON as strict as that of messages: a key that comes twice could mean one thing here and another elsewhere.
  private static func object(_ text: Substring) throws(CredentialRefusal) -> JSONValue {
    guard let bytes = Base64URL.decode(text), let value = try? JSONValue(parsing: bytes), value.isObject else {
      throw CredentialRefusal("malformed")
    }
    return value
  }
}
#endif
