import Glibc

/// What is wrong with a file of credentials. Never shows one.
public enum CredentialFileFault: Error, Sendable, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case readableByOthers(path: String, mode: UInt32)
  case writableByOthers(path: String, mode: UInt32)
  case badLine(path: String, line: Int, reason: String)
  /// Of the file as a whole.
  case bad(path: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
    case .readableByOthers(let path, let mode):
      "\(path) holds secrets and can be read by everyone (mode \(String(mode, radix: 8))); run: chmod 600 \(path)"
    case .writableByOthers(let path, let mode):
      "\(path) can be written by everyone (mode \(String(mode, radix: 8))); run: chmod o-w \(path)"
    case .badLine(let path, let line, let reason): "\(path):\(line): \(reason)"
    case .bad(let path, let reason): "\(path): \(reason)"
    }
  }
}

/// A file of credentials, or of keys that check them, read whole.
package struct CredentialFile: Sendable {
  /// Of any such file; PROTOCOL.md has nothing to do with it.
  package static let maxByteCount = 16 << 20

  package let path: String
  package let bytes: [UInt8]
  private let mode: UInt32

  package init(_ path: String) throws(CredentialFileFault) {
    // A named pipe would be waited for, and with it whoever asked for the file to be read again.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(path: path, reason: SystemError.text(errno)) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: SystemError.text(errno)) }
    // A directory says so when it is read.
    guard [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else {
      throw .unreadable(path: path, reason: "it is not a regular file")
    }
    guard let bytes = SystemFile.read(descriptor, atMost: CredentialFile.maxByteCount)
    else {
      throw .unreadable(path: path, reason: errno == EFBIG ? "larger than 16 MiB" : SystemError.text(errno))
    }
    (self.path, self.bytes, mode) = (path, bytes, UInt32(status.st_mode & 0o777))
  }

  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// For a file of secrets.
  package func requireSecrecy() throws(CredentialFileFault) {
    guard mode & 0o007 == 0 else { throw .readableByOthers(path: path, mode: mode) }
  }

  /// For a file of what everybody may know, and nobody may change.
  package func requireIntegrity() throws(CredentialFileFault) {
    guard mode & 0o002 == 0 else { throw .writableByOthers(path: path, mode: mode) }
  }
}

/// What tells a file from its later self without reading it.
struct FileSignature: Equatable, Sendable {
  private var device: UInt64
  private var inode: UInt64
  private var size: Int64
  private var modified: [Int]
  private var changed: [Int]

  /// Nil if there is no regular file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    (device, inode, size) = (UInt64(status.st_dev), UInt64(status.st_ino), Int64(status.st_size))
    modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
  }
}
