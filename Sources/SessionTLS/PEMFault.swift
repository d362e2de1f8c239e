/// What is wrong with the bytes of certificates or of a key. Whoever read the files puts their names in front; nothing of
/// their content is shown.
package enum PEMFault: Error, Sendable, Equatable, CustomStringConvertible {
  case noCertificate
  case badCertificate
  case noKey
  case badKey
  case encryptedKey
  case keyMismatch
  case unusable(String)

  /// Whether the key's file is at fault, not that of the certificates.
  package var isOfKey: Bool {
    switch self {
    case .noKey, .badKey, .encryptedKey, .keyMismatch: true
    case .noCertificate, .badCertificate, .unusable: false
    }
  }

  package var description: String {
    switch self {
    case .noCertificate: "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"
    case .badCertificate: "holds a certificate that cannot be read"
    case .noKey: "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)"
    case .badKey: "holds a private key that cannot be read"
    case .encryptedKey: "holds a private key with a passphrase, and nobody is there to type it"
    case .keyMismatch: "the private key does not belong to the first certificate of the chain"
    case .unusable(let reason): "cannot be used: \(reason)"
    }
  }
}
