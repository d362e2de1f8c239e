/// What a principal's permissions allow, in a form that is quick to ask. PROTOCOL.md, "Permissions": `*` everything;
/// `join:PATTERN`, `publish:PATTERN` and `event:PATTERN`, where a pattern is a name, or ends in `*` for all names that
/// begin so. What is not granted is denied.
public struct Grants: Sendable {
  /// What is asked for.
  public enum Act: String, Sendable, CaseIterable {
    /// To enter a room.
    case join
    /// To send an event into a room.
    case publish
    /// To send an event that has a handler.
    case event
  }

  private struct Names: Sendable {
    var exact: Set<NameKey> = []
    var prefixes: [[UInt8]] = []

    func contains(_ name: String) -> Bool {
      exact.contains(NameKey(name)) || prefixes.contains { name.utf8.starts(with: $0) }
    }
  }

  private var isEverything = false
  private var join = Names()
  private var publish = Names()
  private var event = Names()

  /// Nothing is allowed.
  public init() {}

  /// A permission of the application's own says nothing here.
  public init(_ permissions: [String]) {
    for permission in permissions {
      if permission == "*" { isEverything = true }
      guard let (act, pattern) = Grants.parse(permission) else { continue }
      switch act {
      case .join: Grants.add(pattern, to: &join)
      case .publish: Grants.add(pattern, to: &publish)
      case .event: Grants.add(pattern, to: &event)
      }
    }
  }

  public func allows(_ act: Act, _ name: String) -> Bool {
    if isEverything { return true }
    return switch act {
    case .join: join.contains(name)
    case .publish: publish.contains(name)
    case .event: event.contains(name)
    }
  }

  /// Whether it is a permission of this vocabulary.
  public static func isKnown(_ permission: String) -> Bool {
    permission == "*" || parse(permission).map { !$0.pattern.isEmpty } ?? false
  }

  private static func parse(_ permission: String) -> (act: Act, pattern: String)? {
    let parts = permission.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let act = Act(rawValue: String(parts[0])) else { return nil }
    return (act, String(parts[1]))
  }

  private static func add(_ pattern: String, to names: inout Names) {
    guard pattern.utf8.last == UInt8(ascii: "*") else {
      names.exact.insert(NameKey(pattern))
      return
    }
    names.prefixes.append(Array(pattern.utf8.dropLast()))
  }
}

extension ProtocolError {
  /// The permission that is missing stands in the text.
  public static func forbidden(_ act: Grants.Act, _ name: String) -> ProtocolError {
    ProtocolError(act == .event ? "event.forbidden" : "room.forbidden", "no permission \(act.rawValue):\(name)")
  }
}
