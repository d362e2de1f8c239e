import ArgumentParser
import SessionCore

struct SessionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessions",
    abstract: "List the sessions, or show one.",
    discussion: """
      QUEUE is how many messages wait in the session's outbox for the client; TTL is
      how long a suspended session can still be resumed.
        wscore inspect sessions --state suspended
        wscore inspect sessions --room lobby --limit 20
        wscore inspect sessions s_Zm9vYmFyYmF6cXV4MTIzNA
      """)

  enum State: String, CaseIterable, ExpressibleByArgument { case active, suspended }

  @Argument(
    help: ArgumentHelp("Show this session and everything about it.", valueName: "id"),
    completion: LiveNames.completion(LiveNames.sessions))
  var id: String?

  @Option(
    help: ArgumentHelp("Only sessions that are in this room.", valueName: "room"),
    completion: LiveNames.completion(LiveNames.rooms))
  var room: String?

  @Option(help: ArgumentHelp("Only sessions of this user.", valueName: "user"))
  var user: String?

  @Option(help: ArgumentHelp("Only sessions in this state.", valueName: "state"))
  var state: State?

  @Option(help: ArgumentHelp("At most so many.", valueName: "number"))
  var limit: Int?

  @OptionGroup var options: InspectOptions

  func validate() throws {
    try AdminTarget.checkIDs([id])
    let filters = [room, user, state?.rawValue, limit.map(String.init)]
    guard id == nil || filters.allSatisfy({ $0 == nil }) else {
      throw ValidationError("one session is asked for by its id: --room, --user, --state and --limit choose from all")
    }
    guard limit.map({ $0 > 0 }) ?? true else { throw ValidationError("--limit is a number above 0") }
  }

  func run() throws {
    let report = options.begin()
    if let id {
      return try asking("session \(id)", list: "wscore inspect sessions") {
        try report.object(options.client.object(AdminTarget("sessions", id)))
      }
    }
    var list = InspectList(report, Self.columns, row: Self.row)
    let target = AdminTarget("sessions").with("room", room).with("user", user)
      .with("state", state?.rawValue).with("limit", limit.map(String.init))
    try asking("sessions") { try options.client.objects(target) { try list.append($0) } }
    try list.finish(none: "No sessions.")
  }

  private static let columns: [Table.Column] = [
    .init("SESSION"), .init("STATE"), .init("USER", shrinks: true), .init("REMOTE", shrinks: true),
    .init("ROOMS", .right), .init("QUEUE", .right), .init("IDLE", .right), .init("TTL", .right),
  ]

  /// Where the client is; the transport is named where it is not the usual one, so that eighty columns are enough.
  private static func remote(_ session: JSONValue) -> String {
    let remote = Humane.value(session["remote"])
    guard let transport = session["transport"]?.stringValue, transport != "websocket" else { return remote }
    return "\(transport) \(remote)"
  }

  private static func row(_ session: JSONValue) -> [String] {
    [
      Humane.value(session["sid"]), Humane.value(session["state"]), Humane.value(session["user"]),
      Self.remote(session), Humane.value(session["rooms"]),
      Humane.value(session["outbox"]?["messages"]), Humane.value(session["idle_ms"], key: "idle_ms"),
      Humane.value(session["expires_in_ms"], key: "expires_in_ms"),
    ]
  }
}
