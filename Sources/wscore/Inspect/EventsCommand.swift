import ArgumentParser
import SessionCore

struct EventsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events",
    abstract: "Show what happened to sessions, connections and rooms.",
    discussion: """
      Shows the last events that the server keeps, oldest first.
        wscore inspect events
        wscore inspect events --follow
      """)

  @Flag(help: "Go on with events as they happen, until Ctrl-C or the server's end.")
  var follow = false

  @OptionGroup var options: InspectOptions

  func run() throws {
    let report = options.begin()
    let target = AdminTarget("events").with("follow", follow ? "1" : nil)
    var list = InspectList(report, []) { _ in [] }
    try asking("events") {
      try options.client.objects(target, follows: follow) { event in
        if report.format == .table { try report.styled(line(event, report.style)) } else { try list.append(event) }
      }
    }
    if report.format != .table { try list.finish(none: "") }
  }

  /// Events are shown as they come, so their columns have fixed widths; what is known of the rest follows by name.
  private func line(_ event: JSONValue, _ style: Style) -> String {
    guard case .object(let members) = event else { return "" }
    let name = text(event["event"])
    let padding = String(repeating: " ", count: max(0, 21 - DisplayWidth.of(name)))
    let rest = members.filter { $0.key != "ts" && $0.key != "event" && $0.value != .null }
      .map { "\(DisplayWidth.printable($0.key))=\(text($0.value, key: $0.key))" }
    return "\(style(text(event["ts"]), .dim))  \(coloured(name, style))\(padding)  \(rest.joined(separator: " "))"
  }

  private func text(_ value: JSONValue?, key: String = "") -> String {
    DisplayWidth.printable(Humane.value(value, key: key))
  }

  private func coloured(_ name: String, _ style: Style) -> String {
    switch name {
    case "session.created", "session.resumed", "connection.opened", "room.created": style(name, .green)
    case "session.suspended": style(name, .yellow)
    case "token_reuse", "session.token_reuse": style(name, .red, .bold)
    default: name
    }
  }
}
