import Glibc

/// A listening Unix socket that only its owner may use.
enum AdminSocket {
  /// Bytes of a path that a socket's address has room for, its final 0 left out: sockaddr_un in unix(7).
  static let maxPathByteCount = 107

  /// A descriptor that listens at `path`. A socket that nobody listens on any more is replaced.
  static func listen(_ path: String) throws(ServerError) -> Int32 {
    guard 1...maxPathByteCount ~= path.utf8.count else {
      let reason = "a socket's path has at most \(maxPathByteCount) bytes, this has \(path.utf8.count)"
      throw .adminSocket(path: path, reason: reason)
    }
    try removeStale(path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw .adminSocket(path: path, reason: SystemError.text(errno)) }
    // From its first moment the file is the owner's alone; nothing else makes files at this time.
    let mask = umask(0o177)
    let isBound = withAddress(path) { bind(descriptor, $0, $1) } == 0
    let failure = errno
    umask(mask)
    guard isBound, chmod(path, 0o600) == 0, Glibc.listen(descriptor, 64) == 0 else {
      close(descriptor)
      throw .adminSocket(path: path, reason: SystemError.text(isBound ? errno : failure))
    }
    return descriptor
  }

  private static func removeStale(_ path: String) throws(ServerError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw .adminSocket(path: path, reason: "there is a file that is not a socket")
    }
    guard !isListenedOn(path) else { throw .adminSocketInUse(path: path) }
    unlink(path)
  }

  private static func isListenedOn(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // A queue that is full has somebody behind it too.
    return withAddress(path) { connect(descriptor, $0, $1) } == 0 || errno == EAGAIN
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
