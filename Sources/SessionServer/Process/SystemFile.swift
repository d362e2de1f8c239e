import Glibc

/// Small files, whole.
enum SystemFile {
  /// Nil if it cannot be read; `errno` says why.
  static func read(_ path: String, atMost limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return read(descriptor, atMost: limit)
  }

  /// What is left to read. Nil if it cannot be read; `errno` says why.
  static func read(_ descriptor: Int32, atMost limit: Int) -> [UInt8]? {
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while content.count <= limit {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      guard count > 0 else { return content }
      content += piece[..<count]
    }
    errno = EFBIG
    return nil
  }
}
