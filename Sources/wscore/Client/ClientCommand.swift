import ArgumentParser

struct ClientCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "client", abstract: "Talk to a server: interactively, or by a script.")
  @Option(help: ArgumentHelp("x", valueName: "duration")) var timeout: Duration = .seconds(5)
  func run() throws {}
}
