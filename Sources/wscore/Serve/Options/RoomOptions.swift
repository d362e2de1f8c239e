import ArgumentParser
import SessionCore

/// What rooms do beyond passing messages on.
struct RoomOptions: ServeOptionGroup {
  @Option(help: .serve("room")) var room: [String] = []
  @Option(help: .serve("presence-grace")) var presenceGrace: String?

  var given: [(name: String, text: String?)] {
    [("room", room.isEmpty ? nil : room.joined(separator: ";")), ("presence-grace", presenceGrace)]
  }
}

extension ServeOption {
  static var rooms: [ServeOption] {
    [
      ServeOption(
        name: "room", placeholder: "rule", fallback: "nothing is kept",
        help: "What the rooms of a pattern do, for example 'chat-* history=100 history-bytes=1MiB history-ttl=10m "
          + "grace=2s'. May be given several times, in the variable with ; between; the first that matches counts.",
        apply: { (settings, text) throws(OptionFault) in settings.server.limits.roomRules = try RoomRuleReader.read(text) }),
      duration(
        "presence-grace", \.server.limits.presenceGraceMilliseconds, 0, "5s",
        "How long a member may be without a connection before the others are told."),
    ]
  }
}

/// Reads `PATTERN history=100 history-bytes=1MiB history-ttl=10m grace=2s`, several with `;` between.
enum RoomRuleReader {
  /// - Throws: all mistakes of all rules in one.
  static func read(_ text: String) throws(OptionFault) -> [RoomRule] {
    var (rules, faults): ([RoomRule], [String]) = ([], [])
    for part in text.split(separator: ";").map({ $0.trimmed }) where !part.isEmpty {
      var mistakes: [String] = []
      let rule = rule(part, &mistakes)
      if let before = rules.first(where: { $0.pattern.covers(rule.pattern) }) {
        mistakes.append("it never counts, since \(before.pattern) comes before it")
      }
      rules.append(rule)
      faults += mistakes.map { "\"\(DisplayWidth.printable(part))\": \($0)" }
    }
    if rules.isEmpty { faults.append("it names no room") }
    guard faults.isEmpty else { throw OptionFault("cannot be used: " + faults.joined(separator: "; ")) }
    return rules
  }

  private static func rule(_ text: String, _ mistakes: inout [String]) -> RoomRule {
    let words = text.split(separator: " ").map(String.init)
    let pattern = words[0]
    if pattern.contains("=") { mistakes.append("it begins with a room's name, or with the beginning of names and *") }
    if pattern.dropLast().contains("*") { mistakes.append("* stands at the end of a pattern only") }
    if pattern.utf8.count > 128 { mistakes.append("a room's name has at most 128 bytes") }
    if pattern.hasControlCharacter { mistakes.append("a room's name has no control characters") }
    var values: [Setting: String] = [:]
    for word in words.dropFirst() { note(word, &values, &mistakes) }
    if words.count == 1 { mistakes.append("it sets nothing; write for example \(pattern) history=100") }
    return RoomRule(NamePattern(pattern), policy(values, &mistakes))
  }

  private enum Setting: String, CaseIterable {
    case history, grace
    case bytes = "history-bytes"
    case ttl = "history-ttl"
  }

  private static func note(_ word: String, _ values: inout [Setting: String], _ mistakes: inout [String]) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let known = Setting.allCases.map(\.rawValue)
    guard let setting = Setting(rawValue: parts[0]) else {
      let nearest = Suggestion.nearest(to: parts[0], among: known).map { "; did you mean \($0)?" } ?? ""
      return mistakes.append("\(parts[0]) is no setting of a room\(nearest)")
    }
    guard parts.count == 2, !parts[1].isEmpty else { return mistakes.append("\(setting.rawValue) has no value") }
    if values.updateValue(parts[1], forKey: setting) != nil { mistakes.append("\(setting.rawValue) is set twice") }
  }

  private static func policy(_ values: [Setting: String], _ mistakes: inout [String]) -> RoomPolicy {
    var policy = RoomPolicy()
    if let text = values[.grace] { policy.presenceGraceMilliseconds = milliseconds(text, .grace, 0, &mistakes) }
    guard let text = values[.history] else {
      for setting in [Setting.bytes, .ttl] where values[setting] != nil {
        mistakes.append("\(setting.rawValue) needs history")
      }
      return policy
    }
    let count = text.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? Int(text) : nil
    if count.map({ !(1...1_048_576 ~= $0) }) ?? true { mistakes.append("history=\(text) is not a number from 1 to 1048576") }
    var history = RoomPolicy.History(messageCount: count ?? 1)
    if let text = values[.bytes] { history.byteCount = bytes(text, &mistakes) ?? history.byteCount }
    if let text = values[.ttl] { history.ttlMilliseconds = milliseconds(text, .ttl, 1, &mistakes) ?? 1 }
    policy.history = history
    return policy
  }

  private static func bytes(_ text: String, _ mistakes: inout [String]) -> Int? {
    let bytes = Quantity.byteCount(text)
    if bytes.map({ !(1_024...(1 << 30) ~= $0) }) ?? true {
      mistakes.append("history-bytes=\(text) is not a size from 1KiB to 1GiB, such as 64KiB or 1MiB")
    }
    return bytes
  }

  private static func milliseconds(
    _ text: String, _ setting: Setting, _ least: UInt64, _ mistakes: inout [String]
  ) -> UInt64? {
    let milliseconds = Quantity.duration(text).map { UInt64(max(0, Quantity.nanoseconds($0) / 1_000_000)) }
    if milliseconds.map({ $0 < least }) ?? true {
      mistakes.append("\(setting.rawValue)=\(text) is not a duration\(least > 0 ? " of at least \(least)ms" : ""), such as 2s or 10m")
    }
    return milliseconds
  }
}

extension Substring {
  fileprivate var trimmed: String {
    var text = self.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
