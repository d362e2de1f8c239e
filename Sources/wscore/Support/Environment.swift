import Glibc

/// Variables of the process's environment. Nothing in this program sets one, so that reading needs no lock.
package enum Environment {
  package static func value(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// The names of all variables that begin with `prefix`.
  package static func names(prefix: String) -> [String] {
    var names: [String] = []
    var entry = environ
    while let text = entry.pointee {
      let name = String(cString: text).prefix { $0 != "=" }
      if name.hasPrefix(prefix) { names.append(String(name)) }
      entry += 1
    }
    return names.sorted()
  }

  /// Whether the locale's characters are UTF-8. `setlocale` was called at the start of the program.
  package static var isUTF8: Bool {
    guard let codeset = nl_langinfo(Int32(CODESET)) else { return false }
    return String(cString: codeset) == "UTF-8"
  }
}
