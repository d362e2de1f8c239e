import SessionCore

/// A JSON object as names and values for people: whatever members the server's version sends are shown.
enum ObjectFields {
  struct Field: Equatable {
    var name: String
    var value: String
  }

  static func flattened(_ value: JSONValue, prefix: String = "") -> [Field] {
    guard case .object(let members) = value else { return [Field(name: prefix, value: Humane.value(value))] }
    return members.flatMap { member -> [Field] in
      let name = prefix.isEmpty ? member.key : "\(prefix).\(member.key)"
      switch member.value {
      case .object(let inner):
        return inner.isEmpty ? [Field(name: name, value: "none")] : flattened(member.value, prefix: name)
      case .array(let items) where items.contains(where: \.isObject):
        return items.enumerated().flatMap { flattened($0.element, prefix: "\(name)[\($0.offset)]") }
      case .array(let items): return list(name, items)
      // How often a limit was hit is a count, whatever the limit is of.
      case .number where prefix == "limits": return [Field(name: name, value: Humane.value(member.value))]
      default: return [Field(name: label(name), value: Humane.value(member.value, key: member.key))]
      }
    }
  }

  /// Each item on a line of its own, the name in front of the first.
  private static func list(_ name: String, _ items: [JSONValue]) -> [Field] {
    guard !items.isEmpty else { return [Field(name: name, value: "none")] }
    return items.enumerated().map { Field(name: $0.offset == 0 ? name : "", value: Humane.value($0.element)) }
  }

  /// The unit is told by the value.
  private static func label(_ name: String) -> String {
    for unit in ["_ms", "_bytes"] where name.hasSuffix(unit) { return String(name.dropLast(unit.count)) }
    return name
  }
}

/// Values as people read them.
enum Humane {
  /// - Parameter key: the member's name, whose end tells the unit.
  static func value(_ value: JSONValue?, key: String = "") -> String {
    switch value {
    case nil, .null: return "-"
    case .bool(let flag): return flag ? "yes" : "no"
    case .string(let text): return text.isEmpty ? "\"\"" : text
    case .number(let text):
      guard let number = value?.unsignedValue else { return text }
      if key.hasSuffix("_ms"), key != "unix_ms" { return duration(number) }
      if key == "bytes" || key.hasSuffix("_bytes") { return bytes(number) }
      return text
    case .array, .object: return value?.text ?? "-"
    }
  }

  /// Milliseconds in five columns or fewer, up to 9999 days: `84ms`, `1.4s`, `59s`, `3m20s`, `12m`, `2h13m`, `3d4h`.
  static func duration(_ milliseconds: UInt64) -> String {
    let seconds = milliseconds / 1000
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
    if milliseconds < 1000 { return "\(milliseconds)ms" }
    if seconds < 10 { return "\(seconds).\(milliseconds / 100 % 10)s" }
    if seconds < 60 { return "\(seconds)s" }
    if minutes < 10 { return "\(minutes)m\(seconds % 60)s" }
    if minutes < 60 { return "\(minutes)m" }
    if hours < 10 { return "\(hours)h\(minutes % 60)m" }
    if days < 1 { return "\(hours)h" }
    if days < 10 { return "\(days)d\(hours % 24)h" }
    return "\(days)d"
  }

  /// A size with three digits or so: `512B`, `3.4KiB`, `12MiB`.
  static func bytes(_ count: UInt64) -> String {
    guard count >= 1024 else { return "\(count)B" }
    var tenths = Double(count) / 1024
    for unit in ["KiB", "MiB", "GiB", "TiB"] {
      if tenths < 10 { return "\(Double(Int(tenths * 10)) / 10)\(unit)" }
      if tenths < 1024 || unit == "TiB" { return "\(Int(tenths))\(unit)" }
      tenths /= 1024
    }
    return "\(count)B"
  }
}
