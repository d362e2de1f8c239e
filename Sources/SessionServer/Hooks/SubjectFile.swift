import SessionCore

/// Believes the client's TLS certificate: the user is whom it names (`Credentials.verifiedSubject`), and may do
/// everything.
public struct SubjectAuthenticator: ImmediateAuthenticator {
  public init() {}

  public func authenticateAtOnce(_ credentials: Credentials) throws -> Principal {
    Principal(user: try SubjectAuthenticator.subject(credentials), permissions: ["*"])
  }

  /// Nothing that the client says: the scheme is `tls` only where it says nothing, or asks for this.
  static func subject(_ credentials: Credentials) throws -> String {
    guard credentials.scheme == "tls" || credentials.verifiedSubject == nil else { throw CredentialRefusal.scheme }
    guard let subject = credentials.verifiedSubject else { throw CredentialRefusal.missing }
    return subject
  }
}

/// Users by the subjects of their TLS certificates, out of a file:
///
///     # subject                       user      permissions
///     uri:spiffe://example.org/build  builder   join:build-*
///     dns:screen-7.example.org        screens   join:status-*
///     cn:Ann%20Smith                  ann
///
/// A line is a subject as `Credentials.verifiedSubject` has it, a user and any number of permissions, blanks between
/// them; a blank inside of a subject is written as `%20`. No permission means all of them. Who is not named is refused.
public struct SubjectFile: ImmediateAuthenticator {
  private var principals = NameMap<Principal>()

  public init(path: String) throws(CredentialFileFault) {
    let file = try CredentialFile(path)
    try file.requireIntegrity()
    for line in CredentialLine.all(file.text, path: path) {
      let subject = SubjectFile.key(line.words[0])
      guard ["uri:", "dns:", "email:", "cn:"].contains(where: { subject.hasPrefix($0) }) else {
        throw line.bad("the subject begins with uri:, dns:, email: or cn:, and comes first")
      }
      guard line.words.count > 1 else { throw line.bad("a user is missing behind the subject") }
      let principal = try line.principal(from: 1)
      guard principals[subject] == nil else { throw line.bad("the subject stands on an earlier line too") }
      principals[subject] = principal
    }
    guard principals.count > 0 else { throw .bad(path: path, reason: "names no subject") }
  }

  public func authenticateAtOnce(_ credentials: Credentials) throws -> Principal {
    let subject = try SubjectAuthenticator.subject(credentials)
    guard let principal = principals[SubjectFile.key(subject)] else { throw CredentialRefusal.unknown }
    return principal
  }

  /// Case does not matter in the names of hosts.
  private static func key(_ subject: String) -> String {
    let text = subject.replacing(" ", with: "%20")
    return text.hasPrefix("dns:") ? text.lowercased() : text
  }
}
