import SessionCore

/// Users by their tokens, out of a file:
///
///     # token        user   permissions
///     5f2c…          ann    join:lobby publish:lobby event:echo
///     9d01…          bob
///
/// A line is a token, a user and any number of permissions (`Grants`), blanks between them. No permission means all of
/// them.
public struct TokenFile: ImmediateAuthenticator {
  private var table = CredentialTable()

  static let minTokenByteCount = 8

  public init(path: String) throws(CredentialFileFault) {
    let file = try CredentialFile(path)
    try file.requireSecrecy()
    for line in CredentialLine.all(file.text, path: path) {
      let principal = try line.principal(from: 1)
      let token = Array(line.words[0].utf8)
      guard token.count >= TokenFile.minTokenByteCount else {
        throw line.bad("the token is shorter than \(TokenFile.minTokenByteCount) bytes")
      }
      guard table.insert(.init(digest: SHA256.digest(token), principal: principal)) else {
        throw line.bad("the token stands on an earlier line too")
      }
    }
    guard !table.isEmpty else { throw .bad(path: path, reason: "names no token") }
  }

  public func authenticateAtOnce(_ credentials: Credentials) throws -> Principal {
    guard credentials.scheme == "token" || credentials.scheme == "bearer" else { throw CredentialRefusal.scheme }
    guard let secret = credentials.secret else { throw CredentialRefusal.missing }
    guard let entry = table.find(secret) else { throw CredentialRefusal.unknown }
    return entry.principal
  }
}
