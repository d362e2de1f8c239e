import ArgumentParser
import Glibc
import SessionCore
import SessionServer
import WebSocketFrames

/// `wscore load`: many sessions, a timetable of messages, storms of broken connections, and a verdict.
struct LoadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Load a server and check that no message is lost.",
    discussion: """
      Opens many sessions, sends by a timetable that is fixed before the run, breaks
      connections on the way, and accounts for every message at every receiver.

        wscore load ws://127.0.0.1:8080/ws --sessions 5000 --rate 5000/s \\
          --duration 30s --storm 100%@15s
        wscore load ws://127.0.0.1:8080/ws --threshold 'resume.p99<250ms' --json

      latency counts from when a message was due; service from when the client got
      it; resume from the broken connection to the end of the replay.

      Exit status: 0 passed; 97 a message was lost, duplicated, out of order or
      unexplained, or a session did not resume; 98 the generator was the bottleneck
      (less than 95% of the rate, or more than 250 ms late at the 99th percentile
      outside of storms); 99 a threshold was missed; 69 no connection; 130 Ctrl-C.
      """)

  @Argument(help: "Where the server is, for example ws://127.0.0.1:8080/ws.")
  var url: String

  @Option(help: ArgumentHelp("Sessions to hold open.", valueName: "count"))
  var sessions = 100

  @Option(
    help: ArgumentHelp("Messages a second, of all sessions together; 0 for none.", valueName: "rate"),
    transform: LoadArguments.rate)
  var rate = Rate(perSecond: 100)

  @Option(help: ArgumentHelp("How long messages are sent.", valueName: "duration"))
  var duration = Duration.seconds(10)

  @Option(
    help: ArgumentHelp(
      "Drop P percent of the connections at T; may be given again.", valueName: "P%@T"),
    transform: LoadArguments.storm)
  var storm: [Storm] = []

  @Option(
    help: ArgumentHelp("Rooms, which share the sessions (default: a fifth of the sessions).", valueName: "count"))
  var rooms: Int?

  @Option(
    help: ArgumentHelp(
      "What the names of the rooms begin with; two runs against one server need two.", valueName: "text"))
  var roomPrefix = RoomLayout.standardPrefix

  @Option(
    help: ArgumentHelp("Bytes of each payload.", valueName: "bytes"), transform: LoadArguments.bytes)
  var payloadBytes = ByteCount(128)

  @Option(
    help: ArgumentHelp("Fixes who sends when and whom storms hit (default: a random one).", valueName: "number"))
  var seed: UInt64?

  @Option(help: ArgumentHelp("Longest wait for what is under way at the end.", valueName: "duration"))
  var settle = Duration.seconds(10)

  @Option(help: ArgumentHelp("Event loops, each a thread.", valueName: "count"))
  var loops = 1

  @Option(
    help: ArgumentHelp(
      "What moves the bytes: uring or epoll, which connect to IP addresses without TLS only; nio; or auto, the first of these that works."))
  var io = SocketBackend.auto

  @Option(help: "How storms break connections: rst, fin or clean.")
  var drop = LoadDrop.rst

  @Option(
    help: ArgumentHelp(
      "Session starts a second (default: as fast as \(LoadPlan.maxHandshakes) handshakes at a time go).",
      valueName: "rate"),
    transform: LoadArguments.rate)
  var ramp: Rate?

  @Option(
    help: ArgumentHelp("Bounds of the wait before a reconnect.", valueName: "floor..ceiling"),
    transform: LoadArguments.backoff)
  var backoff = BackoffRange(floor: .milliseconds(50), ceiling: .seconds(2))

  @Option(
    help: ArgumentHelp(
      "File with a token a line, which the sessions use in turn. Without it, the variable WSCORE_TOKEN.",
      valueName: "file"),
    completion: .file())
  var tokenFile: String?

  @Option(help: .authScheme)
  var authScheme = AuthScheme.standard

  @OptionGroup(title: "TLS options")
  var tls: ClientTLSOptions

  @Option(
    help: ArgumentHelp("A bound like resume.p99<250ms or gap==0; may be given again.", valueName: "figure<bound"))
  var threshold: [String] = []

  @Option(help: "What standard error shows meanwhile: auto, ndjson or off.")
  var progress = LoadProgress.Kind.auto

  @Option(
    help: ArgumentHelp("Directory to write summary.json to; made if it is missing.", valueName: "directory"),
    completion: .directory)
  var out: String?

  @Flag(help: "Print the report as one JSON object.")
  var json = false

  @Option(help: "Colour: auto, always or never.")
  var color = Style.Choice.auto

  func run() async throws {
    let plan = try plan()
    let thresholds = try threshold.map { text throws(CLIError) in try Threshold(text) }
    try LoadPreflight.check(plan)
    if let out { try LoadSummary.prepare(out) }
    let progress = LoadProgress(progress, plan)
    var report = try await LoadRun(plan, progress).report()
    report.judge(thresholds)
    try write(report)
    if let out { try LoadSummary.write(report, to: out) }
    guard report.status == .ok else { throw report.status }
  }

  private func write(_ report: LoadReport) throws(ExitStatus) {
    let output = LineOutput.standardOutput
    guard !json else { return try output.write(line: report.json.text) }
    for line in report.lines(Style(color, descriptor: STDOUT_FILENO)) { try output.write(line: line) }
  }

  private func plan() throws(CLIError) -> LoadPlan {
    let address: WebSocketURL
    do throws(WebSocketURLError) {
      address = try WebSocketURL(url)
    } catch {
      throw .usage("\(error)", next: "Write it like: ws://127.0.0.1:8080/ws")
    }
    var plan = LoadPlan(url: address)
    (plan.sessions, plan.rate, plan.duration, plan.storms) = (sessions, rate.perSecond, duration, storm)
    (plan.settle, plan.loops, plan.drop, plan.backoff) = (settle, loops, drop, backoff)
    plan.io = io
    plan.rooms = rooms ?? max(1, sessions / 5)
    plan.roomPrefix = roomPrefix
    plan.payloadBytes = payloadBytes.bytes
    plan.seed = seed ?? UInt64.random(in: 0..<1_000_000_000)
    plan.ramp = ramp?.perSecond
    try plan.check()
    plan.tokens = try tokenFile.map(LoadTokens.read) ?? Environment.credential.map { [Secret($0)] } ?? []
    plan.authScheme = authScheme
    plan.tls = try tls.make()
    return plan
  }
}

extension LoadDrop: ExpressibleByArgument {}
extension SocketBackend: ExpressibleByArgument {}
extension LoadProgress.Kind: ExpressibleByArgument {}

extension Storm {
  package static let hint = "A storm is a share and a time, for example 100%@15s"
}

/// Readers of arguments that need no unit, or have a form of their own.
package enum LoadArguments {
  /// `5000/s`, `300/m`, or a plain number a second; 0 is allowed.
  package static func rate(_ text: String) throws -> Rate {
    if let rate = Quantity.rate(text) ?? Quantity.rate(text + "/s") { return Rate(perSecond: rate) }
    guard ["0", "0/s"].contains(text) else {
      throw ValidationError("\"\(text)\" is not a rate; write it like 5000/s")
    }
    return Rate(perSecond: 0)
  }

  package static func storm(_ text: String) throws -> Storm {
    guard let storm = Storm(text) else { throw ValidationError("\"\(text)\" is not a storm. \(Storm.hint)") }
    return storm
  }

  /// `128`, or with a unit.
  package static func bytes(_ text: String) throws -> ByteCount {
    guard let bytes = Quantity.byteCount(text) ?? Quantity.byteCount(text + "B") else {
      throw ValidationError("\"\(text)\" is not a size; write it like 128 or 4KiB")
    }
    return ByteCount(bytes)
  }

  package static func backoff(_ text: String) throws -> BackoffRange {
    guard let range = BackoffRange(text) else {
      throw ValidationError("\"\(text)\" is not a range of waits; write it like 50ms..2s")
    }
    return range
  }
}
