import Logging
import SessionCore

/// Users by their API keys, out of a file that does not hold the keys:
///
///     # name       hash of the key     user      permissions
///     ci-2026      sha256:9b74c9897…   builder   event:build.*
///     dashboard    sha256:2c26b46b6…   screens   join:status-*
///
/// A line is the key's name, the SHA-256 of the key, a user and any number of permissions, blanks between them. No
/// permission means all of them. The name is for logs. A key is made of at least 128 random bits, so that its hash needs
/// no salt and no slowness; `printf %s KEY | sha256sum` hashes it.
public struct APIKeyFile: ImmediateAuthenticator {
  private var table = CredentialTable()
  private let logger: Logger

  static let maxNameByteCount = 64

  public init(path: String, logger: Logger = Logger(label: "wscore")) throws(CredentialFileFault) {
    self.logger = logger
    let file = try CredentialFile(path)
    try file.requireSecrecy()
    var names: Set<String> = []
    for line in CredentialLine.all(file.text, path: path) {
      let entry = try APIKeyFile.entry(line)
      guard names.insert(line.words[0]).inserted else { throw line.bad("the name stands on an earlier line too") }
      guard table.insert(entry) else { throw line.bad("the key stands on an earlier line too") }
    }
    guard !table.isEmpty else { throw .bad(path: path, reason: "names no key") }
  }

  private static func entry(_ line: CredentialLine) throws(CredentialFileFault) -> CredentialTable.Entry {
    let name = line.words[0]
    guard name.utf8.count <= maxNameByteCount, name.utf8.allSatisfy(isNameByte) else {
      throw line.bad("the key's name has 1 to 64 of A-Z a-z 0-9 . _ -, and comes first")
    }
    guard line.words.count > 1, let digest = digest(line.words[1]) else {
      throw line.bad("behind the name comes sha256: and 64 hex digits; make them with: printf %s KEY | sha256sum")
    }
    return .init(digest: digest, principal: try line.principal(from: 2), name: name)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
    default: false
    }
  }

  private static func digest(_ text: String) -> [UInt8]? {
    guard text.hasPrefix("sha256:") else { return nil }
    let digits = text.utf8.dropFirst(7).map { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 64, !digits.contains(nil) else { return nil }
    return stride(from: 0, to: 64, by: 2).map { UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)) }
  }

  public func authenticateAtOnce(_ credentials: Credentials) throws -> Principal {
    guard credentials.scheme == "api-key" || credentials.scheme == "bearer" else { throw CredentialRefusal.scheme }
    guard let secret = credentials.secret else { throw CredentialRefusal.missing }
    guard let entry = table.find(secret) else { throw CredentialRefusal.unknown }
    logger.debug(
      "API key accepted",
      metadata: ["key": "\(entry.name ?? "?")", "user": "\(entry.principal.user)", "remote": "\(credentials.remote)"])
    return entry.principal
  }
}
