import ArgumentParser
import SessionCore

struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Print the metrics in the text format of Prometheus.",
    discussion: """
      With --json or --format json each sample is an object: name, labels, value.
        wscore inspect metrics | promtool check metrics
        wscore inspect metrics --json | jq 'select(.name | startswith("wscore_"))'
      """)

  @OptionGroup var options: InspectOptions

  func run() throws {
    var report = options.begin()
    let isText = !options.json && (options.format ?? .table) == .table
    if isText { report.format = .table }
    var list = InspectList(report, []) { _ in [] }
    try asking("metrics") {
      try options.client.lines(AdminTarget(plain: "/metrics")) { bytes in
        let line = String(decoding: bytes, as: UTF8.self)
        if isText { return try report.line(line) }
        if let sample = MetricSample(line) { try list.append(sample.json) }
      }
    }
    if !isText { try list.finish(none: "") }
  }
}

/// One sample of the Prometheus text format, version 0.0.4.
struct MetricSample: Equatable {
  var name: String
  /// In the order they came; a name stands once.
  var labels: [Label] = []
  /// As it was written: `NaN` and `+Inf` are no JSON numbers.
  var value: String

  struct Label: Equatable {
    var name: String
    var value: String
  }

  /// Nil for comments, and for what is no sample.
  init?(_ line: String) {
    guard let first = line.first, first != "#" else { return nil }
    var rest = line[...]
    name = String(Self.take(&rest) { $0 != "{" && $0 != " " })
    if rest.first == "{" {
      rest.removeFirst()
      while rest.first != "}" {
        guard let label = Self.label(&rest), !labels.contains(where: { $0.name == label.name }) else { return nil }
        labels.append(label)
      }
      rest.removeFirst()
    }
    guard let value = rest.split(separator: " ").first, Double(value) != nil, !name.isEmpty else { return nil }
    self.value = String(value)
  }

  var json: JSONValue {
    let members = labels.map { JSONValue.Member($0.name, .string($0.value)) }
    let isNumber = (try? JSONValue(parsing: Array(value.utf8))) != nil
    return .object([
      .init("name", .string(name)), .init("labels", .object(members)),
      .init("value", isNumber ? .number(value) : .string(value)),
    ])
  }

  /// `name="value"`, and the comma behind it.
  private static func label(_ rest: inout Substring) -> Label? {
    let name = take(&rest) { $0 != "=" && $0 != "}" }
    guard !name.isEmpty, rest.hasPrefix("=\"") else { return nil }
    rest.removeFirst(2)
    var value = ""
    while let character = rest.popFirst() {
      switch character {
      case "\"":
        if rest.first == "," { rest.removeFirst() }
        return Label(name: String(name), value: value)
      case "\\":
        guard let escaped = rest.popFirst() else { return nil }
        value.append(escaped == "n" ? "\n" : escaped)
      default: value.append(character)
      }
    }
    return nil
  }

  private static func take(_ rest: inout Substring, while isPart: (Character) -> Bool) -> Substring {
    let taken = rest.prefix(while: isPart)
    rest = rest[taken.endIndex...]
    return taken
  }
}
