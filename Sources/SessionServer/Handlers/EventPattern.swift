/// Which events are meant: one by its name, or all whose names begin alike.
public enum EventPattern: Sendable, Hashable, CustomStringConvertible {
  case name(String)
  /// Empty for all events.
  case prefix(String)

  /// Reads `order.created`, `order.*` or `*`; nil for what is no name and has no asterisk at its end alone.
  public init?(_ text: String) {
    guard text.utf8.last == UInt8(ascii: "*") else {
      guard EventName.isValid(text) else { return nil }
      self = .name(text)
      return
    }
    let prefix = String(text.dropLast())
    // What could be the beginning of a name is one with a letter behind it.
    guard EventName.isValid(prefix + "a") else { return nil }
    self = .prefix(prefix)
  }

  public var description: String {
    switch self {
    case .name(let name): name
    case .prefix(let prefix): prefix + "*"
    }
  }
}

package enum EventName {
  /// `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 128 bytes.
  package static func isValid(_ name: String) -> Bool {
    let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return name.utf8.count <= 128
      && parts.allSatisfy { part in
        !part.isEmpty
          && part.allSatisfy { 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "_") }
      }
  }
}
