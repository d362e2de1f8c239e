import SessionCore

/// `expect EVENT [path=value…]`: what a message has to be like.
package struct MessageExpectation: Equatable, Sendable {
  /// `path=value`; the path leads into the envelope, or else into its payload.
  package struct Condition: Equatable, Sendable {
    package var path: [String]
    package var value: JSONValue

    package init(path: [String], value: JSONValue) {
      self.path = path
      self.value = value
    }
  }

  /// Matches the event's name, or the type of what is no event.
  package var name: Glob
  package var conditions: [Condition]
  package var within: Duration?
  /// `--none`: no such message may come.
  package var isAbsence: Bool

  package init(name: Glob, conditions: [Condition] = [], within: Duration? = nil, isAbsence: Bool = false) {
    self.name = name
    self.conditions = conditions
    self.within = within
    self.isAbsence = isAbsence
  }

  /// What is asked for, as it was written: `chat.message text="hi"`.
  package var subject: String {
    ([name.text] + conditions.map { "\($0.path.joined(separator: "."))=\($0.value.text)" }).joined(separator: " ")
  }

  package var text: String { subject + (isAbsence ? " --none" : "") }

  package func matches(_ message: Message) -> Bool {
    guard name.matches(message.name) else { return false }
    return conditions.allSatisfy { condition in
      guard let found = message.value(at: condition.path) else { return false }
      return found.isSame(as: condition.value)
    }
  }

  /// A received message as expectations see it.
  package struct Message: Sendable {
    /// The event's name for events, else the type.
    package var name: String
    package var envelope: JSONValue

    package init(envelope: JSONValue) {
      self.envelope = envelope
      let type = envelope["type"]?.stringValue ?? "?"
      name = type == "event" ? envelope["event"]?.stringValue ?? type : type
    }

    /// The value at a path whose first step is a field of the envelope or, where it has none of that name, of the
    /// payload.
    package func value(at path: [String]) -> JSONValue? {
      guard let first = path.first else { return nil }
      return (envelope[first] != nil ? envelope : envelope["payload"])?.value(at: path[...])
    }
  }
}

extension JSONValue {
  /// Steps into members by name and into arrays by position.
  func value(at path: ArraySlice<String>) -> JSONValue? {
    guard let step = path.first else { return self }
    switch self {
    case .object: return self[step]?.value(at: path.dropFirst())
    case .array(let values):
      guard let position = Int(step), values.indices.contains(position) else { return nil }
      return values[position].value(at: path.dropFirst())
    default: return nil
    }
  }

  /// Equality of what is meant: members in any order, `1.0` and `1` alike.
  func isSame(as other: JSONValue) -> Bool {
    switch (self, other) {
    case (.number(let a), .number(let b)): return a == b || Double(a) == Double(b)
    case (.array(let a), .array(let b)):
      return a.count == b.count && zip(a, b).allSatisfy { $0.isSame(as: $1) }
    case (.object(let a), .object(let b)):
      return a.count == b.count && a.allSatisfy { member in other[member.key].map(member.value.isSame) ?? false }
    default: return self == other
    }
  }
}

/// A pattern in which `*` stands for any characters, none included.
package struct Glob: Equatable, Hashable, Sendable {
  package var text: String

  package init(_ text: String) { self.text = text }

  package func matches(_ name: String) -> Bool {
    let pattern = Array(text.utf8), name = Array(name.utf8)
    var at = 0, position = 0
    // Where to go back to: behind the last star, with one more byte given to it.
    var star: (pattern: Int, name: Int)?
    while position < name.count {
      if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
        star = (at + 1, position)
        at += 1
      } else if at < pattern.count, pattern[at] == name[position] {
        at += 1
        position += 1
      } else if let back = star {
        star = (back.pattern, back.name + 1)
        at = back.pattern
        position = back.name + 1
      } else {
        return false
      }
    }
    return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
