import Glibc

/// A listening Unix socket: for operators, and for clients on the same machine.
struct UnixSocket: Sendable {
  enum Fault: Error {
    case inUse
    /// Anything else, in the words of the end of a sentence about the path.
    case failed(String)
  }

  /// Bytes of a path that a socket's address has room for, its final 0 left out: sockaddr_un in unix(7).
  static let maxPathByteCount = 107

  let path: String
  let descriptor: Int32
  private let device: UInt64
  private let inode: UInt64

  /// Listens at `path`. A socket that nobody listens on any more is replaced; anything else that is there is not.
  /// - Parameter mode: the permissions of the file, as `chmod` has them.
  static func listen(_ path: String, mode: UInt32, backlog: Int32) throws(Fault) -> UnixSocket {
    guard 1...maxPathByteCount ~= path.utf8.count else {
      throw .failed("a socket's path has at most \(maxPathByteCount) bytes, this has \(path.utf8.count)")
    }
    try removeStale(path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw .failed(SystemError.text(errno)) }
    // From its first moment the file has no more permissions than it is to have; nothing else makes files at this time.
    let mask = umask(0o777 & ~mode)
    let isBound = withAddress(path) { bind(descriptor, $0, $1) } == 0
    let bindFailure = errno
    umask(mask)
    guard isBound else {
      close(descriptor)
      throw bindFailure == EADDRINUSE ? .inUse : .failed(SystemError.text(bindFailure))
    }
    var status = stat()
    guard chmod(path, mode) == 0, Glibc.listen(descriptor, backlog) == 0, lstat(path, &status) == 0 else {
      let failure = errno
      unlink(path)
      close(descriptor)
      throw .failed(SystemError.text(failure))
    }
    return UnixSocket(
      path: path, descriptor: descriptor, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  /// Takes the file away, if it is still the one that was made: another server may have put its own there.
  func remove() {
    var status = stat()
    guard lstat(path, &status) == 0, UInt64(status.st_dev) == device, UInt64(status.st_ino) == inode else { return }
    unlink(path)
  }

  private static func removeStale(_ path: String) throws(Fault) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw .failed("there is a file that is not a socket") }
    guard try isStale(path) else { throw .inUse }
    unlink(path)
  }

  /// Only a refusal tells that nobody listens: a queue that is full has somebody behind it, and so may a socket that we
  /// have no right to connect to.
  private static func isStale(_ path: String) throws(Fault) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw .failed(SystemError.text(errno)) }
    defer { close(descriptor) }
    guard withAddress(path, { connect(descriptor, $0, $1) }) != 0 else { return false }
    switch errno {
    case ECONNREFUSED, ENOENT: return true
    case EAGAIN, EINPROGRESS: return false
    default: throw .failed("there is a socket, and it is not known whether somebody listens: \(SystemError.text(errno))")
    }
  }

  private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { target in
      target.copyBytes(from: path.utf8.prefix(maxPathByteCount))
    }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}
