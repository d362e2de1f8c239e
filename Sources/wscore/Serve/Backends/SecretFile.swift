import Glibc
import SessionCore

/// A file that holds one secret and nothing else.
enum SecretFile {
  static let leastByteCount = 8

  /// The secret without the blanks and line ends around it.
  /// - Throws: `CLIError` that never shows it.
  static func read(_ path: String) throws(CLIError) -> Secret {
    var status = stat()
    guard stat(path, &status) == 0 else { throw fault(path, "cannot be read: \(SystemError.text(errno))") }
    guard status.st_mode & 0o007 == 0 else {
      throw CLIError(
        "\(path): the secret can be read by everyone (mode \(String(status.st_mode & 0o777, radix: 8)))",
        next: "Run: chmod 600 \(path)", status: .configuration)
    }
    let text = String(decoding: try FileText.read(path), as: UTF8.self)
    let words = text.split(whereSeparator: \.isWhitespace)
    guard let secret = words.first else { throw fault(path, "is empty") }
    guard words.count == 1 else { throw fault(path, "has more than one word") }
    guard secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw fault(path, "has other characters than ASCII") }
    guard secret.utf8.count >= leastByteCount else { throw fault(path, "is shorter than \(leastByteCount) bytes") }
    return Secret(String(secret))
  }

  private static func fault(_ path: String, _ what: String) -> CLIError {
    CLIError(
      "\(path): the secret \(what)", next: "Make one: umask 077; openssl rand -base64 32 > \(path)",
      status: .configuration)
  }
}
