import ArgumentParser
import SessionCore

/// What a shell offers when an id is completed: those that the server has at this moment.
enum LiveNames {
  /// Longer would be felt at the keyboard.
  private static let patience = Duration.milliseconds(150)
  private static let most = 1000

  static func completion(_ names: @escaping @Sendable (String) -> [String]) -> CompletionKind {
    // The shell picks those that fit: it alone knows how the word began, `--room=` and quotes included.
    .custom { words, _, _ in names(socket(words) ?? AdminSocketPath.standard()) }
  }

  @Sendable static func sessions(_ socket: String) -> [String] {
    ask(socket, AdminTarget("sessions").with("limit", String(most)), "sid")
  }

  @Sendable static func rooms(_ socket: String) -> [String] { ask(socket, AdminTarget("rooms"), "room") }

  private struct Enough: Error {}

  /// Without a server there is nothing to offer, and a shell's prompt is no place to say why.
  private static func ask(_ socket: String, _ target: AdminTarget, _ key: String) -> [String] {
    var names: [String] = []
    let end = ContinuousClock.now.advanced(by: patience)
    try? AdminClient(path: socket, timeout: patience).objects(target) { item in
      // Other characters mean something to one shell or another, or come from a peer that wants them to.
      if let name = item[key]?.stringValue, isPlain(name) { names.append(name) }
      if names.count == most || ContinuousClock.now > end { throw Enough() }
    }
    return names
  }

  private static func isPlain(_ name: String) -> Bool {
    name.first != "-" && name.utf8.allSatisfy {
      switch $0 {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
      default: false
      }
    }
  }

  /// The socket that the line names already. bash takes a `=` for a word of its own.
  private static func socket(_ words: [String]) -> String? {
    if let position = words.lastIndex(of: "--socket") {
      return words[(position + 1)...].first { $0 != "=" }
    }
    return words.last { $0.hasPrefix("--socket=") }.map { String($0.dropFirst("--socket=".count)) }
  }
}
