import ArgumentParser
import Glibc
import SessionCore

struct KickCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kick",
    abstract: "End sessions and close their connections (4507); they cannot be resumed.",
    discussion: """
      All that are named are tried; the exit status is 1 if one of them was not there.
      A user may have several sessions, suspended ones too: then --yes or
      --expect-count is asked for.
        wscore inspect kick s_Zm9vYmFyYmF6cXV4MTIzNA --reason spam
        wscore inspect kick s_Zm9vYmFyYmF6cXV4MTIzNA --dry-run
        wscore inspect kick --user mallory --expect-count 3
      """)

  @Argument(
    help: ArgumentHelp("The sessions.", valueName: "id"), completion: LiveNames.completion(LiveNames.sessions))
  var ids: [String] = []

  @Option(help: ArgumentHelp("All sessions of this user.", valueName: "user"))
  var user: String?

  @Flag(name: .shortAndLong, help: "With --user: however many sessions that are.")
  var yes = false

  @Option(help: ArgumentHelp("With --user: only if there are so many sessions.", valueName: "number"))
  var expectCount: Int?

  @Option(help: ArgumentHelp("Tell the client why, in 100 bytes at most.", valueName: "text"))
  var reason: String?

  @Flag(help: "Only show what would be ended.")
  var dryRun = false

  @OptionGroup var options: InspectOptions

  func validate() throws {
    try AdminTarget.checkIDs(ids)
    guard ids.isEmpty != (user == nil) else {
      throw ValidationError("name the sessions by their ids, or one user by --user")
    }
    guard user != nil || (!yes && expectCount == nil) else {
      throw ValidationError("--yes and --expect-count are for --user")
    }
    guard expectCount.map({ $0 > 0 }) ?? true else { throw ValidationError("--expect-count is a number above 0") }
    // The reason of a Close frame has 123 bytes, and the server says that it was a kick.
    guard let reason else { return }
    guard 1...100 ~= reason.utf8.count else {
      throw ValidationError("--reason has \(reason.utf8.count) bytes, not 1 to 100")
    }
    guard DisplayWidth.printable(reason) == reason else { throw ValidationError("--reason has control characters") }
  }

  func run() throws {
    let report = options.begin()
    if let user { return try KickUser(user: user, command: self, report: report).run() }
    var list = InspectList(report, []) { _ in [] }
    var failed = false
    for id in ids {
      do {
        let answer = try asking("session \(id)", list: "wscore inspect sessions") { try end(id) }
        if report.format == .table { try report.line(sentence(id, answer)) } else { try list.append(answer) }
      } catch let error as CLIError where error.status == .failed {
        failed = true
        try LineOutput.standardError.write(error.rendered(Style(options.color, descriptor: STDERR_FILENO)))
      }
    }
    if report.format != .table { try list.finish(none: "") }
    if failed { throw ExitStatus.failed }
  }

  private func end(_ id: String) throws -> JSONValue {
    let target = AdminTarget("sessions", id)
    guard dryRun else { return try options.client.object(target.with("reason", reason), .delete) }
    let session = try options.client.object(target)
    return .object([.init("would_kick", .string(id)), .init("session", session)])
  }

  private func sentence(_ id: String, _ answer: JSONValue) -> String {
    guard let session = answer["session"] else { return "kicked \(id)" }
    return KickCommand.wouldKick(id, session)
  }

  static func wouldKick(_ id: String, _ session: JSONValue) -> String {
    "would kick \(id): \(Humane.value(session["state"])), user \(Humane.value(session["user"])), "
      + "idle for \(Humane.value(session["idle_ms"], key: "idle_ms"))"
  }
}
