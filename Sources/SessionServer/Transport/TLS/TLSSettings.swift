/// How a server speaks TLS: files in PEM, read at the start and again upon `SessionServer.reload` (SIGHUP).
public struct TLSSettings: Sendable, Equatable {
  public enum Version: String, Sendable, CaseIterable {
    case tls12 = "1.2"
    case tls13 = "1.3"
  }

  public enum ClientAuthentication: String, Sendable, CaseIterable {
    /// A client without a certificate gets no connection.
    case required
    /// A client may come without a certificate; one that is shown has to be good.
    case optional
  }

  /// The server's certificate and those between it and the authority.
  public var certificatePath: String
  /// The private key of the first certificate. A file that everyone can read is refused.
  public var keyPath: String
  /// The authorities whose certificates clients show; nil asks for none. Whom a certificate names reaches the
  /// authenticator as `Credentials.verifiedSubject`.
  public var clientAuthoritiesPath: String?
  public var clientAuthentication = ClientAuthentication.required
  public var minimumVersion = Version.tls12

  public init(certificatePath: String, keyPath: String) {
    (self.certificatePath, self.keyPath) = (certificatePath, keyPath)
  }
}
