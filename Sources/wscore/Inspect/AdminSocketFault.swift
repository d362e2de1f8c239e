import Glibc

/// Why the admin socket cannot be used: what, where, why, what next.
enum AdminSocketFault {
  private static let start = "Start one with: wscore serve --admin-socket"

  /// - Parameter code: what `connect` set `errno` to.
  static func connecting(to path: String, code: Int32, timeout: Duration) -> CLIError {
    let place = "admin socket \(DisplayWidth.printable(path))"
    let what = "\(place): \(SystemError.text(code))"
    switch code {
    case ENOENT, ENOTDIR:
      return CLIError(
        "\(place): no such socket", why: "Nothing listens there.", next: "\(start) \(DisplayWidth.printable(path))",
        status: .unavailable)
    case ECONNREFUSED:
      guard isSocket(path) else {
        return CLIError(
          "\(place): not a socket", next: "Name the one that the server listens on: --socket PATH",
          status: .unavailable)
      }
      return CLIError(
        what, why: "Nothing listens there: the server that made it is gone.",
        next: "\(start) \(DisplayWidth.printable(path))", status: .unavailable)
    case EACCES, EPERM:
      return CLIError(what, why: owner(path), next: "Ask as its owner, for example with sudo -u.", status: .notPermitted)
    case EAGAIN:
      return silent(path, timeout)
    default:
      return CLIError("cannot connect to \(what)", next: "See: wscore inspect --help", status: .unavailable)
    }
  }

  static func strange(_ path: String, owner: UInt32) -> CLIError {
    CLIError(
      "admin socket \(DisplayWidth.printable(path)): user \(owner) listens there, not you",
      why: "Everybody may make a socket in /tmp.", next: "If you mean that server, ask as its user, or have it listen elsewhere.",
      status: .notPermitted)
  }

  static func silent(_ path: String, _ timeout: Duration) -> CLIError {
    CLIError(
      "admin socket \(DisplayWidth.printable(path)): no answer within \(Quantity.text(timeout))",
      why: "The server is stopped or overloaded.", next: "To wait longer: --timeout 30s", status: .timedOut)
  }

  private static func isSocket(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
  }

  /// Whom the socket belongs to, or the nearest directory above it that can be looked at.
  private static func owner(_ path: String) -> String? {
    var status = stat()
    var place = path
    var isDirectory = false
    while stat(place, &status) != 0 {
      guard errno == EACCES, let slash = place.lastIndex(of: "/"), slash != place.startIndex else { return nil }
      place = String(place[..<slash])
      isDirectory = true
    }
    let subject = isDirectory ? "Its directory \(DisplayWidth.printable(place))" : "It"
    let mode = String(status.st_mode & 0o7777, radix: 8)
    let padded = String(repeating: "0", count: max(0, 4 - mode.count)) + mode
    return "\(subject) belongs to \(user(status.st_uid)):\(group(status.st_gid)), mode \(padded); "
      + "you are \"\(user(geteuid()))\"."
  }

  /// The name, or the number where there is none. This program asks from one thread.
  private static func user(_ id: uid_t) -> String {
    getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? String(id)
  }

  private static func group(_ id: gid_t) -> String {
    getgrgid(id).map { String(cString: $0.pointee.gr_name) } ?? String(id)
  }
}
