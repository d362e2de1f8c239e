import Glibc

/// Where the admin socket is unless it is named: the same for the one who listens and the one who asks.
package enum AdminSocketPath {
  /// The variable that names it.
  package static let variable = "WSCORE_ADMIN_SOCKET"
  /// The most bytes that the address of a Unix socket holds, its closing zero left out: unix(7).
  package static let mostBytes = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// `$WSCORE_ADMIN_SOCKET`, else `$XDG_RUNTIME_DIR/wscore/admin.sock`, else `/tmp/wscore-UID/admin.sock`.
  package static func standard(
    environment: (String) -> String? = Environment.value, user: UInt32 = getuid()
  ) -> String {
    if let path = environment(variable), !path.isEmpty { return path }
    // The XDG base directory specification has relative paths ignored.
    if let directory = environment("XDG_RUNTIME_DIR"), directory.hasPrefix("/") {
      return "\(directory)/wscore/admin.sock"
    }
    return inTemporary(user)
  }

  /// Where everybody may make one, and the name is known.
  package static func inTemporary(_ user: UInt32 = getuid()) -> String { "/tmp/wscore-\(user)/admin.sock" }
}
