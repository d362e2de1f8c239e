import ArgumentParser
import Glibc
import SessionCore

struct StatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Show the server's numbers.",
    discussion: """
      With --watch they are shown again and again: a line each on a terminal, with
      messages and resumes per second, and an object each elsewhere.
        wscore inspect stats
        wscore inspect stats --watch 1s
      """)

  @Option(help: ArgumentHelp("Ask again at this interval, until Ctrl-C.", valueName: "duration"))
  var watch: Duration?

  @OptionGroup var options: InspectOptions

  func validate() throws {
    guard let watch else { return }
    guard watch >= .milliseconds(100), watch <= .seconds(86_400) else {
      throw ValidationError("--watch \(Quantity.text(watch)) is not between 100ms and 1d")
    }
  }

  func run() throws {
    let report = options.begin()
    guard let watch else { return try report.object(ask()) }
    var due = ContinuousClock.now
    var table = WatchTable(report)
    while true {
      let stats = try ask()
      if report.format == .table { try table.append(stats, at: .now) } else { try report.json(stats) }
      // A late answer does not bring the next ones closer together.
      due = max(due.advanced(by: watch), .now)
      wait(until: due)
    }
  }

  private func ask() throws -> JSONValue {
    try asking("stats") { try options.client.object(AdminTarget("stats")) }
  }

  private func wait(until due: ContinuousClock.Instant) {
    while case let rest = Quantity.nanoseconds(ContinuousClock.now.duration(to: due)), rest > 0 {
      var time = timespec(tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
      nanosleep(&time, nil)
    }
  }
}

/// The lines of `stats --watch`: fixed columns, headings again for each page.
private struct WatchTable {
  private static let columns: [(heading: String, width: Int)] = [
    ("UPTIME", 6), ("ACTIVE", 7), ("SUSP", 6), ("CONNS", 7), ("ROOMS", 6), ("IN/S", 7), ("OUT/S", 8), ("RESUMES/S", 9),
    ("GAPS", 6), ("MEMORY", 7),
  ]
  private static let linesPerPage = 20

  private let report: InspectReport
  private var last: (stats: JSONValue, at: ContinuousClock.Instant)?
  private var count = 0

  init(_ report: InspectReport) { self.report = report }

  mutating func append(_ stats: JSONValue, at now: ContinuousClock.Instant) throws {
    if count % Self.linesPerPage == 0 {
      try report.styled(report.style(line(Self.columns.map(\.heading)), .bold))
    }
    count += 1
    let sessions = stats["sessions"]
    let cells = [
      Humane.value(stats["uptime_ms"], key: "uptime_ms"), Humane.value(sessions?["active"]),
      Humane.value(sessions?["suspended"]), Humane.value(stats["connections"]), Humane.value(stats["rooms"]),
      rate(stats, now, "messages_in"), rate(stats, now, "messages_out"), rate(stats, now, "resumes", "ok"),
      Humane.value(stats["gaps"]), Humane.value(stats["rss_bytes"], key: "rss_bytes"),
    ]
    last = (stats, now)
    try report.line(line(cells))
  }

  private func line(_ cells: [String]) -> String {
    zip(cells, Self.columns).map { cell, column in
      String(repeating: " ", count: max(0, column.width - DisplayWidth.of(cell))) + cell
    }.joined(separator: " ")
  }

  /// How much a counter grew each second since the last answer. One that fell belongs to another server.
  private func rate(_ stats: JSONValue, _ now: ContinuousClock.Instant, _ path: String...) -> String {
    let value = path.reduce(stats as JSONValue?) { $0?[$1] }?.unsignedValue
    guard let last, let value, let before = path.reduce(last.stats as JSONValue?, { $0?[$1] })?.unsignedValue,
      value >= before, case let elapsed = Quantity.nanoseconds(last.at.duration(to: now)), elapsed > 0
    else { return "-" }
    return String(Int(min(Double(value - before) * 1e9 / Double(elapsed), 1e15).rounded()))
  }
}
