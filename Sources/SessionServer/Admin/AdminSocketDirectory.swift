import Glibc

/// The directory that a server's admin socket lies in by default.
public enum AdminSocketDirectory {
  /// Makes it for its owner alone, or sees that it is so.
  /// - Throws: `ServerError.adminSocket`.
  public static func make(_ path: String) throws(ServerError) {
    if mkdir(path, 0o700) == 0 { return }
    let failure = errno
    var status = stat()
    guard failure == EEXIST, lstat(path, &status) == 0 else {
      throw .adminSocket(path: path, reason: SystemError.text(failure))
    }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
      throw .adminSocket(path: path, reason: "the directory must be your own and closed to others (mode 0700)")
    }
  }
}
