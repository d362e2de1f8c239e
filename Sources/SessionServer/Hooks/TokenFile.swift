import Glibc
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
  /// What is wrong with the file. Never shows a token.
  public enum Fault: Error, Sendable, Equatable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case readableByOthers(path: String, mode: UInt32)
    case badLine(path: String, line: Int, reason: String)
    case empty(path: String)

    public var description: String {
      switch self {
      case .unreadable(let path, let reason): "cannot read the token file \(path): \(reason)"
      case .readableByOthers(let path, let mode):
        "the token file \(path) can be read by everyone (mode \(String(mode, radix: 8))); run: chmod 600 \(path)"
      case .badLine(let path, let line, let reason): "\(path):\(line): \(reason)"
      case .empty(let path): "the token file \(path) names no token"
      }
    }
  }

  private struct Entry: Sendable {
    var digest: [UInt8]
    var principal: Principal
  }

  /// Tokens are kept as their SHA-256 only.
  private let entries: [Entry]

  static let maxByteCount = 16 << 20

  public init(path: String) throws(Fault) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .unreadable(path: path, reason: SystemError.text(errno)) }
    guard status.st_mode & 0o007 == 0 else {
      throw .readableByOthers(path: path, mode: UInt32(status.st_mode & 0o777))
    }
    guard status.st_size <= TokenFile.maxByteCount else { throw .unreadable(path: path, reason: "larger than 16 MiB") }
    guard let content = SystemFile.read(path, atMost: TokenFile.maxByteCount) else {
      throw .unreadable(path: path, reason: SystemError.text(errno))
    }
    try self.init(text: String(decoding: content, as: UTF8.self), path: path)
  }

  /// `path` is named in errors.
  init(text: String, path: String) throws(Fault) {
    var entries: [Entry] = []
    var seen: Set<[UInt8]> = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let token = words.first, !token.hasPrefix("#") else { continue }
      let bad = { Fault.badLine(path: path, line: index + 1, reason: $0) }
      guard words.count >= 2 else { throw bad("a user is missing behind the token") }
      guard token.utf8.count >= 8 else { throw bad("the token is shorter than 8 bytes") }
      guard UserName.isValid(words[1]) else { throw bad("the user's name is longer than 128 bytes") }
      let permissions = Array(words.dropFirst(2))
      if let wrong = permissions.first(where: { !Grants.isKnown($0) }) {
        throw bad("unknown permission \"\(wrong)\"; there are: *, join:ROOM, publish:ROOM, event:NAME")
      }
      let digest = SHA256.digest(Array(token.utf8))
      guard seen.insert(digest).inserted else { throw bad("the token stands on an earlier line too") }
      entries.append(
        Entry(
          digest: digest,
          principal: Principal(user: words[1], permissions: permissions.isEmpty ? ["*"] : permissions)))
    }
    guard !entries.isEmpty else { throw .empty(path: path) }
    self.entries = entries
  }

  public func authenticateAtOnce(_ credentials: Credentials) throws -> Principal {
    guard credentials.scheme == "token" || credentials.scheme == "bearer", let secret = credentials.secret else {
      throw ProtocolError.authenticationFailed
    }
    let digest = SHA256.digest(Array(secret.reveal().utf8))
    // Every entry is compared to its end, so that the time tells nothing.
    var found: Principal?
    for entry in entries where SHA256.isEqual(entry.digest, digest) { found = entry.principal }
    guard let found else { throw ProtocolError.authenticationFailed }
    return found
  }
}
