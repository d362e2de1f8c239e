import SessionCore

/// What a client shows to say who it is.
public struct Credentials: Sendable {
  /// `none`, `token`, `jwt`, `api-key`, `bearer` for a credential from the upgrade request, `tls` for a client that shows
  /// none besides its certificate, or one of the application's own.
  public var scheme: String
  public var secret: Secret?
  /// The peer's address, for people.
  public var remote: String
  /// Whom the client's TLS certificate names (`uri:…`, `dns:…`, `email:…` or `cn:…`), verified against
  /// `TLSSettings.clientAuthoritiesPath`; nil without one. It comes from the handshake of the very connection, never from
  /// anything that a client says in it, and is there whatever the scheme.
  public var verifiedSubject: String?

  public init(scheme: String, secret: Secret?, remote: String, verifiedSubject: String? = nil) {
    (self.scheme, self.secret, self.remote) = (scheme, secret, remote)
    self.verifiedSubject = verifiedSubject
  }
}

/// Decides who a client is; asked at every `hello`, also of a client that resumes.
public protocol Authenticator: Sendable {
  /// - Throws: a `CredentialRefusal` to refuse, or a `ProtocolError` to say more to the client. Any other error is logged
  ///   and told to the client as a fault of the server. An answer after `Limits.hookTimeoutMilliseconds` finds nobody.
  func authenticate(_ credentials: Credentials) async throws -> Principal
}

/// One that needs to wait for nothing: it is asked on the event loop and must return at once.
public protocol ImmediateAuthenticator: Authenticator {
  func authenticateAtOnce(_ credentials: Credentials) throws -> Principal
}

extension ImmediateAuthenticator {
  public func authenticate(_ credentials: Credentials) async throws -> Principal {
    try authenticateAtOnce(credentials)
  }
}

extension ProtocolError {
  /// The one answer to every wrong credential, whatever is wrong with it.
  public static var authenticationFailed: ProtocolError {
    ProtocolError("auth.failed", "the credential was refused", retry: .reauth)
  }
}

/// Lets everyone in: under the name that comes as credential of scheme `none`, else as `anonymous`.
public struct OpenAuthenticator: ImmediateAuthenticator {
  public init() {}

  public func authenticateAtOnce(_ credentials: Credentials) throws -> Principal {
    guard credentials.scheme == "none", let name = credentials.secret?.reveal(), !name.isEmpty else {
      return Principal(user: "anonymous", permissions: ["*"])
    }
    guard UserName.isValid(name) else {
      throw ProtocolError("auth.failed", "a user's name \(UserName.rule)", retry: .reauth)
    }
    return Principal(user: name, permissions: ["*"])
  }
}

package enum UserName {
  /// The end of a sentence about one that is not valid.
  static let rule = "has 1 to 128 bytes and no control characters"

  package static func isValid(_ name: String) -> Bool {
    1...128 ~= name.utf8.count && !name.hasControlCharacter
  }
}
