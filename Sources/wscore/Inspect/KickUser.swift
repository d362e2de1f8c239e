import SessionCore

/// `kick --user`: nobody ends more sessions than they meant to.
struct KickUser {
  var user: String
  var command: KickCommand
  var report: InspectReport

  private var options: InspectOptions { command.options }
  private var list: String { "wscore inspect sessions --user \(user)" }

  func run() throws {
    try asking("user \(user)", list: "wscore inspect sessions") {
      let sessions = try find()
      guard !sessions.isEmpty else { throw AdminClient.Refusal(status: 404, message: "no session of that user") }
      if command.dryRun { return try show(sessions) }
      try confirm(sessions.count)
      let target = AdminTarget("users", user).with("reason", command.reason)
      let answer = try options.client.object(target, .delete)
      guard report.format == .table else { return try report.object(answer) }
      try report.line("kicked \(Humane.value(answer["kicked"])) sessions of \(user)")
    }
  }

  private func find() throws -> [JSONValue] {
    var sessions: [JSONValue] = []
    try options.client.objects(AdminTarget("sessions").with("user", user)) { sessions.append($0) }
    return sessions
  }

  private func show(_ sessions: [JSONValue]) throws {
    var list = InspectList(report, []) { _ in [] }
    for session in sessions {
      let id = session["sid"] ?? .null
      if report.format == .table {
        try report.line(KickCommand.wouldKick(Humane.value(id), session))
      } else {
        try list.append(.object([.init("would_kick", id), .init("session", session)]))
      }
    }
    if report.format != .table { try list.finish(none: "") }
  }

  /// - Throws: `CLIError` unless it was said that so many are meant.
  private func confirm(_ count: Int) throws(CLIError) {
    let name = DisplayWidth.printable(user)
    if let expected = command.expectCount, expected != count {
      throw CLIError(
        "user \(name) has \(count) sessions, not \(expected); nothing was ended",
        next: "To see them: \(DisplayWidth.printable(list))", status: .failed)
    }
    guard count == 1 || command.yes || command.expectCount != nil else {
      throw .usage(
        "user \(name) has \(count) sessions; nothing was ended",
        next: "To end them all: --expect-count \(count), or --yes. To see them: --dry-run")
    }
  }
}
