import Glibc

/// Colour on one stream: asked for by the user, by the environment, or found possible.
package struct Style: Sendable, Equatable {
  /// The values of `--color`.
  package enum Choice: String, CaseIterable, Sendable {
    case auto, always, never
  }

  /// Select Graphic Rendition, ECMA-48 section 8.3.117.
  package enum Attribute: Int, Sendable {
    case bold = 1
    case dim = 2
    case red = 31
    case green = 32
    case yellow = 33
    case blue = 34
    case cyan = 36
  }

  package var isColoured: Bool

  package init(isColoured: Bool) { self.isColoured = isColoured }

  /// - Parameters:
  ///   - descriptor: the stream, for example `STDERR_FILENO`.
  ///   - environment: looks a variable up; see no-color.org and bixense.com/clicolors.
  package init(
    _ choice: Choice, descriptor: Int32,
    environment: (String) -> String? = Environment.value
  ) {
    switch choice {
    case .always: isColoured = true
    case .never: isColoured = false
    case .auto:
      if let value = environment("NO_COLOR"), !value.isEmpty {
        isColoured = false
      } else if let value = environment("CLICOLOR_FORCE"), !value.isEmpty, value != "0" {
        isColoured = true
      } else {
        isColoured = isatty(descriptor) == 1 && environment("TERM") != "dumb"
      }
    }
  }

  package func callAsFunction(_ text: String, _ attributes: Attribute...) -> String {
    guard isColoured, !attributes.isEmpty else { return text }
    return "\u{1B}[\(attributes.map { String($0.rawValue) }.joined(separator: ";"))m\(text)\u{1B}[0m"
  }
}
