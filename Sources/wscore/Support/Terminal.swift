import Glibc

/// What is known of the terminal, if there is one.
package enum Terminal {
  package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Columns of the terminal behind `descriptor`: `COLUMNS` if it is set to a number, else what the terminal says,
  /// nil if neither is there.
  package static func width(_ descriptor: Int32) -> Int? {
    if let columns = Environment.value("COLUMNS").flatMap({ Int($0) }), columns > 0 { return columns }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}
