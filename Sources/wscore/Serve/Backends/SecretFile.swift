import SessionCore
import SessionServer

/// A file that holds one secret and nothing else.
enum SecretFile {
  static let leastByteCount = 8

  /// The secret without the blanks and line ends around it.
  /// - Throws: `CLIError` that never shows it.
  static func read(_ path: String) throws(CLIError) -> Secret {
    let words = try text(of: path).split(whereSeparator: \.isWhitespace)
    guard let secret = words.first else { throw fault(path, "is empty") }
    guard words.count == 1 else { throw fault(path, "has more than one word") }
    guard secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw fault(path, "has other characters than ASCII") }
    guard secret.utf8.count >= leastByteCount else { throw fault(path, "is shorter than \(leastByteCount) bytes") }
    return Secret(String(secret))
  }

  private static func text(of path: String) throws(CLIError) -> String {
    do throws(CredentialFileFault) {
      let file = try CredentialFile(path)
      try file.requireSecrecy()
      return file.text
    } catch {
      switch error {
      case .unreadable(_, let reason): throw fault(path, "cannot be read: \(reason)")
      case .readableByOthers(_, let mode):
        throw CLIError(
          "\(path): the secret can be read by everyone (mode \(String(mode, radix: 8)))", next: "Run: chmod 600 \(path)",
          status: .configuration)
      case .writableByOthers, .badLine, .bad: throw CLIError("\(error)", status: .configuration)
      }
    }
  }

  private static func fault(_ path: String, _ what: String) -> CLIError {
    CLIError(
      "\(path): the secret \(what)", next: "Make one: umask 077; openssl rand -base64 32 > \(path)",
      status: .configuration)
  }
}
