import Glibc

/// Files that are read whole.
package enum FileText {
  package static let maxBytes = 16 << 20

  /// The bytes of a file; `-` is standard input.
  /// - Throws: `CLIError` with the path and the reason.
  package static func read(_ path: String) throws(CLIError) -> [UInt8] {
    let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(path) }
      guard count > 0 else { return bytes }
      bytes.append(contentsOf: buffer[..<count])
      guard bytes.count <= maxBytes else {
        throw CLIError("\(path): longer than \(maxBytes >> 20) MiB", status: .dataError)
      }
    }
  }

  private static func failure(_ path: String) -> CLIError {
    let reason = String(cString: strerror(errno))
    return CLIError("cannot read \(path): \(reason)", next: "Check the path, and who may read it.", status: .noInput)
  }
}
