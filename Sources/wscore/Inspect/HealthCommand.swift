import ArgumentParser
import SessionCore

struct HealthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Tell by the exit status whether the server is up and takes sessions.",
    discussion: """
      Exits with 0 if it is, with 1 if it answers and is not, for example while it
      drains, and with 69 if nothing answers.
        wscore inspect health || systemctl restart wscore
      """)

  @OptionGroup var options: InspectOptions

  func run() throws {
    let report = options.begin()
    let alive = try answer(AdminTarget(plain: "/healthz"))
    let ready = try answer(AdminTarget(plain: "/readyz"))
    var members: [JSONValue.Member] = [.init("healthy", .bool(alive == nil)), .init("ready", .bool(ready == nil))]
    if let reason = alive ?? ready { members.append(.init("reason", .string(reason))) }
    try report.object(.object(members))
    guard alive == nil, ready == nil else { throw ExitStatus.failed }
  }

  /// Nil if the answer was a success, else what the server said.
  private func answer(_ target: AdminTarget) throws -> String? {
    var answer = try options.client.ask(target)
    if 200...299 ~= answer.head.status { return nil }
    let status = answer.head.status, reason = answer.head.reason
    var lines: [String] = []
    try answer.forEachLine(limit: 65_536) { lines.append(String(decoding: $0, as: UTF8.self)) }
    let said = (try? JSONValue(parsing: Array((lines.first ?? "").utf8)))?["error"]?.stringValue ?? lines.first
    // The clients' port is not concerned.
    guard said != "server.busy" else { throw AdminClient.Refusal(status: status, message: "too many connections").error("health") }
    return "\(said ?? reason) (\(status))"
  }
}
