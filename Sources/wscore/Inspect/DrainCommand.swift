import ArgumentParser
import SessionCore

struct DrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain",
    abstract: "Take no more sessions and ask the clients to move; with sessions named, ask only these.",
    discussion: """
      Clients are asked to connect again, spread over the time; each keeps its
      connection until the new one is welcomed, and is served here until then.
      The server answers /readyz with 503 and goes on running: undrain takes it back.
      Sessions that are named are asked, and the server goes on taking sessions:
      so their clients move to new connections without a break.
        wscore inspect drain --over 60s
        wscore inspect drain s_Zm9vYmFyYmF6cXV4MTIzNA
      """)

  @Argument(
    help: ArgumentHelp("Ask only the clients of these sessions.", valueName: "id"),
    completion: LiveNames.completion(LiveNames.sessions))
  var ids: [String] = []

  @Option(help: ArgumentHelp("Spread the clients over this time.", valueName: "duration"))
  var over: Duration = .seconds(0)

  @OptionGroup var options: InspectOptions

  func validate() throws {
    try AdminTarget.checkIDs(ids)
    guard over >= .zero, over <= .seconds(86_400) else {
      throw ValidationError("--over \(Quantity.text(over)) is not between 0s and 24h")
    }
  }

  private var milliseconds: Int64 { Quantity.nanoseconds(over) / 1_000_000 }

  func run() throws {
    let report = options.begin()
    guard !ids.isEmpty else {
      let target = AdminTarget("drain").with("over_ms", "\(milliseconds)")
      let answer = try asking("drain") { try options.client.object(target, .put) }
      guard report.format == .table else { return try report.json(answer) }
      return try report.line(
        "draining: no more sessions; \(Humane.value(answer["connections"])) connections were asked to move over "
          + "\(Quantity.text(over)). Back: wscore inspect undrain")
    }
    for (index, id) in ids.enumerated() {
      let delay = milliseconds * Int64(index) / Int64(ids.count)
      let target = AdminTarget("sessions", id, "advice").with("after_ms", "\(delay)")
      let answer = try asking("session \(id)", list: "wscore inspect sessions") { try options.client.object(target, .put) }
      if report.format == .table { try report.line("asked \(id) to move in \(delay) ms") } else { try report.json(answer) }
    }
  }
}

struct UndrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "undrain", abstract: "Take sessions again.",
    discussion: """
      Clients that were asked to move and have not may still do so.
        wscore inspect undrain
      """)

  @OptionGroup var options: InspectOptions

  func run() throws {
    let report = options.begin()
    let answer = try asking("undrain") { try options.client.object(AdminTarget("drain"), .delete) }
    if report.format == .table { try report.line("takes sessions again") } else { try report.json(answer) }
  }
}
