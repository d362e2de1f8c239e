import SessionCore

/// Credentials out of a file in the server's form: the first word of a line is a token, `#` begins a comment.
enum LoadTokens {
  /// - Throws: `CLIError` that never shows a token.
  static func read(_ path: String) throws(CLIError) -> [Secret] {
    let text = String(decoding: try FileText.read(path), as: UTF8.self)
    let tokens = text.split(whereSeparator: \.isNewline).compactMap { line -> Secret? in
      guard let word = line.split(whereSeparator: \.isWhitespace).first, !word.hasPrefix("#") else { return nil }
      return Secret(String(word))
    }
    guard !tokens.isEmpty else { throw CLIError("\(path): there is no token in it", status: .dataError) }
    return tokens
  }
}
