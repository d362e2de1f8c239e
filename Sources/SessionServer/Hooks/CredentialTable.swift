import SessionCore

/// Who has which credential. Credentials are kept as their SHA-256 only.
struct CredentialTable: Sendable {
  struct Entry: Sendable {
    var digest: [UInt8]
    var principal: Principal
    /// What the credential is called in logs, if it has a name.
    var name: String?
  }

  /// By the beginning of the digest, so that a table of many thousands costs a `hello` no more than one of few. That
  /// tells nothing: nobody can choose a credential by the digest that it is to have.
  private var entries: [UInt64: [Entry]] = [:]

  var isEmpty: Bool { entries.isEmpty }

  /// False if the credential is there already.
  mutating func insert(_ entry: Entry) -> Bool {
    guard find(digest: entry.digest) == nil else { return false }
    entries[CredentialTable.index(entry.digest), default: []].append(entry)
    return true
  }

  func find(_ secret: Secret) -> Entry? { find(digest: SHA256.digest(Array(secret.reveal().utf8))) }

  /// Compares digests to their ends.
  private func find(digest: [UInt8]) -> Entry? {
    var found: Entry?
    for entry in entries[CredentialTable.index(digest)] ?? [] where SHA256.isEqual(entry.digest, digest) {
      found = entry
    }
    return found
  }

  private static func index(_ digest: [UInt8]) -> UInt64 { digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}

/// A line of a file of credentials: words, blanks between them.
struct CredentialLine {
  let path: String
  let number: Int
  let words: [String]

  /// The lines that are not empty and no comment.
  static func all(_ text: String, path: String) -> [CredentialLine] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().compactMap { index, line in
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let first = words.first, !first.hasPrefix("#") else { return nil }
      return CredentialLine(path: path, number: index + 1, words: words)
    }
  }

  func bad(_ reason: String) -> CredentialFileFault { .badLine(path: path, line: number, reason: reason) }

  /// A user, then any number of permissions; no permission means all of them.
  func principal(from index: Int) throws(CredentialFileFault) -> Principal {
    guard words.count > index else { throw bad("a user is missing behind the \(index == 1 ? "token" : "hash")") }
    guard UserName.isValid(words[index]) else { throw bad("the user's name \(UserName.rule)") }
    let permissions = Array(words[(index + 1)...])
    if let wrong = permissions.first(where: { !Grants.isKnown($0) }) {
      throw bad("unknown permission \"\(wrong)\"; there are: *, join:ROOM, publish:ROOM, event:NAME")
    }
    return Principal(user: words[index], permissions: permissions.isEmpty ? ["*"] : permissions)
  }
}
