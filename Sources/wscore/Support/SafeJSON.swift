import SessionCore

/// JSON for a terminal and for programs alike.
enum SafeJSON {
  /// The value on one line. What would move the cursor or change a terminal is escaped, in whatever member it
  /// stands: JSON asks for that below U+0020 only.
  static func line(_ value: JSONValue) -> String {
    let text = value.text
    guard text.unicodeScalars.contains(where: DisplayWidth.isControl) else { return text }
    var safe = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      // None of these stands outside a string, and all are in the basic plane.
      guard DisplayWidth.isControl(scalar) else {
        safe.append(scalar)
        continue
      }
      let digits = String(scalar.value, radix: 16)
      safe.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).unicodeScalars)
    }
    return String(safe)
  }
}
