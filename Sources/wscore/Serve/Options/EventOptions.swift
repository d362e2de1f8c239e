import ArgumentParser
import JSONSchemas
import SessionCore

/// What events may carry, and what will be removed.
struct EventOptions: ServeOptionGroup {
  @Option(help: .serve("schemas"), completion: .directory) var schemas: String?
  @Flag(help: .serve("schemas-strict")) var schemasStrict = false
  @Option(help: .serve("schema-steps")) var schemaSteps: String?
  @Option(help: .serve("deprecate")) var deprecate: [String] = []

  var given: [(name: String, text: String?)] {
    [
      ("schemas", schemas),
      ("schemas-strict", schemasStrict ? "true" : nil),
      ("schema-steps", schemaSteps),
      ("deprecate", deprecate.isEmpty ? nil : deprecate.joined(separator: ";")),
    ]
  }
}

extension ServeOption {
  static var events: [ServeOption] {
    [
      ServeOption(
        name: "schemas", placeholder: "directory",
        help: "JSON Schema files that payloads are checked against: EVENT.json, EVENT@VERSION.json.",
        apply: { (settings, text) throws(OptionFault) in
          guard !text.isEmpty else { throw OptionFault("is empty") }
          settings.schemaDirectory = text
        }),
      ServeOption(
        name: "schemas-strict", placeholder: "true|false", fallback: "false",
        help: "Refuse events that have no schema, but for the built-in ones.", apply: strictness),
      count(
        "schema-steps", \.schemaStepCount, 1_000...1_000_000_000, fallback: "\(SchemaSet.defaultStepCount)",
        "The most work for checking one payload; one step is a schema looking at a value."),
      ServeOption(
        name: "deprecate", placeholder: "subject=date text",
        help: "Announce that v1, or a version of an event such as chat.send@1, will be removed: "
          + "'v1=2027-01-01 use version 2'. May be given more than once; in the variable with ; between.",
        apply: deprecations),
    ]
  }

  // MARK: Single values

  private static func strictness(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    guard let flag = Bool(text) else { throw OptionFault("is not true or false") }
    settings.schemasAreStrict = flag
  }

  private static func deprecations(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    for part in text.split(separator: ";") {
      let deprecation = try deprecation(part.drop { $0 == " " })
      guard !settings.deprecations.contains(where: { $0.subject == deprecation.subject }) else {
        throw OptionFault("names \(deprecation.subject) twice")
      }
      settings.deprecations.append(deprecation)
    }
    guard settings.deprecations.count <= EventRules.maxDeprecationCount else {
      throw OptionFault("names more than \(EventRules.maxDeprecationCount) versions")
    }
  }

  private static func deprecation(_ text: Substring) throws(OptionFault) -> Deprecation {
    let parts = text.split(separator: "=", maxSplits: 1)
    let words = parts.count == 2 ? parts[1].split(separator: " ", maxSplits: 1) : []
    guard let subject = parts.first.flatMap(subject), let date = words.first, isDate(date) else {
      throw OptionFault(
        "is not like 'v1=2027-01-01 use version 2' or 'chat.send@1=2027-01-01': v1 or EVENT@VERSION, and a date")
    }
    return Deprecation(subject, date: String(date), text: words.count > 1 ? String(words[1]) : "")
  }

  private static func subject(_ text: Substring) -> Deprecation.Subject? {
    if text == "v1" || text == "v2" { return .version(text == "v1" ? 1 : 2) }
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, EventName.isValid(String(parts[0])),
      let version = JSONValue.number(String(parts[1])).unsignedValue, version > 0
    else { return nil }
    return .event(String(parts[0]), version: version)
  }

  /// YYYY-MM-DD, with a month and a day that may be.
  private static func isDate(_ text: Substring) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }),
      let month = Int(parts[1]), let day = Int(parts[2])
    else { return false }
    return 1...12 ~= month && 1...31 ~= day
  }
}
