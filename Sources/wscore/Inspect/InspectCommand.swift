import ArgumentParser
import Glibc

/// Looks into a running server through its admin socket. There is no default subcommand: the options of one complete
/// in no shell.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Look at a running server: its sessions, rooms, numbers and events.",
    discussion: """
      Asks through the server's admin socket. Prints tables on a terminal, and one
      JSON object a line elsewhere.
        wscore inspect sessions --room lobby
        wscore inspect stats --watch 1s
        wscore inspect events --follow | jq .event
        wscore inspect kick s_Zm9vYmFyYmF6cXV4MTIzNA --reason spam
      """,
    subcommands: [
      SessionsCommand.self, RoomsCommand.self, StatsCommand.self, EventsCommand.self, MetricsCommand.self,
      HealthCommand.self, KickCommand.self, DrainCommand.self, UndrainCommand.self,
    ])
}

/// The values of `--format`.
enum InspectFormat: String, CaseIterable, ExpressibleByArgument {
  /// For people.
  case table
  /// One document: a list is an array.
  case json
  /// One object a line.
  case ndjson
}

/// What all subcommands of `inspect` take.
struct InspectOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the server's admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, "
        + "else /tmp/wscore-UID/admin.sock)",
      valueName: "path"),
    completion: .file())
  var socket: String?

  @Option(help: ArgumentHelp("The longest wait for the server's next byte.", valueName: "duration"))
  var timeout: Duration = .seconds(5)

  @Flag(help: "The same as --format ndjson, which is the default off a terminal.")
  var json = false

  @Option(help: ArgumentHelp("How the result is written.", valueName: "format"))
  var format: InspectFormat?

  @Option(help: ArgumentHelp("Whether tables are coloured.", valueName: "when"))
  var color: Style.Choice = .auto

  func validate() throws {
    guard !json || format == nil || format == .ndjson else {
      throw ValidationError("--json and --format \(format?.rawValue ?? "") contradict each other")
    }
    guard timeout >= .milliseconds(1), timeout <= .seconds(3600) else {
      throw ValidationError("--timeout \(Quantity.text(timeout)) is not between 1ms and 1h")
    }
  }

  var client: AdminClient { AdminClient(path: socket ?? AdminSocketPath.standard(), timeout: timeout) }

  /// How results are written; from here on an interrupt ends the program with its own exit status.
  func begin() -> InspectReport {
    EndingSignals.install()
    let isTerminal = Terminal.isTerminal(STDOUT_FILENO)
    return InspectReport(
      format: json ? .ndjson : format ?? (isTerminal ? .table : .ndjson),
      style: Style(color, descriptor: STDOUT_FILENO), width: isTerminal ? Terminal.width(STDOUT_FILENO) : nil,
      isUTF8: Environment.isUTF8)
  }
}
