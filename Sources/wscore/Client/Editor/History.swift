import CReadline
import Glibc

/// The lines that were entered, in a file that only its owner reads.
package enum History {
  private static let maxEntries: Int32 = 2000
  /// Also the beginning of every JSON Web Token: base64 of `{"`.
  private static let secretWords = [
    "credential", "token", "authorization", "password", "passphrase", "passwd", "pwd", "secret", "api_key", "api-key", "apikey",
    "access_key", "private_key", "eyj",
  ]

  /// Whether an entry is kept. What begins with a space is meant to be forgotten, and credentials are never written.
  package static func keeps(_ entry: String) -> Bool {
    guard let first = entry.first, first != " ", first != "\t", first != "\n" else { return false }
    let lower = entry.lowercased()
    return !secretWords.contains { lower.contains($0) }
  }

  /// Where the history lies: `WSCORE_HISTFILE`, nil if that is set and empty, else under `XDG_STATE_HOME`.
  package static func path(_ environment: (String) -> String? = Environment.value) -> String? {
    if let path = environment("WSCORE_HISTFILE") { return path.isEmpty ? nil : path }
    // The XDG Base Directory Specification ignores relative paths.
    if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return "\(state)/wscore/history" }
    return environment("HOME").map { "\($0)/.local/state/wscore/history" }
  }

  /// Reads the file, which is made if it is not there. A history that cannot be kept is no reason to stop.
  static func open(_ path: String?) {
    guard let path, makeDirectories(above: path) else { return }
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    fchmod(descriptor, 0o600)
    close(descriptor)
    wsr_history_open(path, maxEntries)
  }

  /// Adds an entry, unless it repeats the last one or is not to be kept.
  static func add(_ entry: String) {
    guard keeps(entry) else { return }
    if let last = wsr_history_entry(0), String(cString: last) == entry { return }
    wsr_history_add(entry)
  }

  private static func makeDirectories(above path: String) -> Bool {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return true }
    let directory = String(path[..<slash])
    if mkdir(directory, 0o700) == 0 || errno == EEXIST { return true }
    return errno == ENOENT && makeDirectories(above: directory) && mkdir(directory, 0o700) == 0
  }
}
