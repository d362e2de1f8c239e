import ArgumentParser

/// The command itself; all it does is done by its subcommands. A new one is added to `subcommands` and needs an
/// explicit `commandName` in its configuration: the check for misspelt names reads it.
struct WScore: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "wscore",
    abstract: "WebSocket sessions that survive their connections.",
    discussion: """
      Start a server, talk to it, and look at what it holds:
        wscore serve
        wscore client
        wscore load ws://127.0.0.1:8080/ws
        wscore inspect sessions
      """,
    version: "wscore \(version)",
    subcommands: [ServeCommand.self, ClientCommand.self, LoadCommand.self, InspectCommand.self])
}
