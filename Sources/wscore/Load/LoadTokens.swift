import Glibc
import SessionCore

/// Credentials out of a file in the form that the server reads: the first word of a line is a token, `#` begins a comment.
enum LoadTokens {
  private static let maxByteCount = 16 << 20

  /// - Throws: `CLIError` that never shows a token.
  static func read(_ path: String) throws(CLIError) -> [Secret] {
    let tokens = try content(path).split(separator: "\n").compactMap { line -> Secret? in
      guard let word = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" }).first,
        !word.hasPrefix("#")
      else { return nil }
      return Secret(String(word))
    }
    guard !tokens.isEmpty else { throw CLIError("the token file \(path) has no token", status: .dataError) }
    return tokens
  }

  private static func content(_ path: String) throws(CLIError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &part, part.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += part[..<count]
      guard bytes.count <= maxByteCount else {
        throw CLIError("the token file \(path) is larger than 16 MiB", status: .dataError)
      }
    }
  }

  private static func unreadable(_ path: String) -> CLIError {
    CLIError("cannot read the token file \(path): \(String(cString: strerror(errno)))", status: .noInput)
  }
}
