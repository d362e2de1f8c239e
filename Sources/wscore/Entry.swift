import ArgumentParser
import Dispatch
import Glibc

/// The program. argument-parser's own `main` prints the usage after every error and exits with 1 for most, so this
/// one parses, runs, says what went wrong in our words and picks the exit status.
package enum Entry {
  /// Not async: an async `main` would leave this thread, and the terminal and its signals belong to it.
  package static func main() {
    StandardDescriptors.hold()
    setlocale(LC_ALL, "")
    // A reader that went away is seen as EPIPE where the line is written: see LineOutput.
    signal(SIGPIPE, SIG_IGN)
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard let status = runHere(arguments) else {
      Task.detached { exit(await runDetached(arguments).rawValue) }
      dispatchMain()
    }
    exit(status.rawValue)
  }

  /// Runs a synchronous command on the main thread; nil for an asynchronous one, which has not been touched then.
  private static func runHere(_ arguments: [String]) -> ExitStatus? {
    do {
      var command = try parse(arguments)
      guard !(command is any AsyncParsableCommand) else { return nil }
      try command.run()
      return .ok
    } catch {
      return report(error, arguments)
    }
  }

  private static func runDetached(_ arguments: [String]) async -> ExitStatus {
    do {
      guard var command = try parse(arguments) as? any AsyncParsableCommand else { return .bug }
      try await command.run()
      return .ok
    } catch {
      return report(error, arguments)
    }
  }

  private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    try SubcommandCheck.check(arguments, WScore.self)
    return try WScore.parseAsRoot(arguments)
  }

  private static func report(_ error: any Error, _ arguments: [String]) -> ExitStatus {
    switch error {
    case ExitStatus.ioError:
      return say(
        CLIError(
          "standard output cannot be written", next: "See whether it is open, and whether its disk is full.", status: .ioError))
    case let status as ExitStatus: return status
    case let error as CLIError: return say(error)
    case let code as ExitCode: return ExitStatus(rawValue: code.rawValue) ?? .failed
    default: break
    }
    guard WScore.exitCode(for: error) != .success else {
      // Help and the version are results, so they go to standard output.
      do throws(ExitStatus) {
        try LineOutput.standardOutput.write(line: WScore.fullMessage(for: error))
        return .ok
      } catch {
        return report(error, arguments)
      }
    }
    guard WScore.exitCode(for: error) == .validationFailure else {
      return say(CLIError("\(error)", next: "This is a fault of wscore itself; please report it.", status: .bug))
    }
    let message = WScore.message(for: error)
    let path = SubcommandCheck.path(arguments, WScore.self).joined(separator: " ")
    let next = [ArgumentHint.forMessage(message), "See: \(path) --help"].compactMap { $0 }.joined(separator: " ")
    return say(.usage(message.prefix(1).lowercased() + message.dropFirst(), next: next))
  }

  private static func say(_ error: CLIError) -> ExitStatus {
    // There is nobody left to tell if standard error is closed.
    try? LineOutput.standardError.write(error.rendered(Style(.auto, descriptor: STDERR_FILENO)))
    return error.status
  }
}

/// Misspelt names of subcommands: argument-parser suggests for options only.
enum SubcommandCheck {
  /// - Throws: `CLIError` with the nearest name when a word stands where a subcommand is due and is none.
  static func check(_ arguments: [String], _ root: any ParsableCommand.Type) throws(CLIError) {
    var command = root
    var path = [name(command)]
    for argument in arguments {
      let subcommands = command.configuration.subcommands
      if subcommands.isEmpty || argument.hasPrefix("-") { return }
      // What stands behind it is a command as well.
      if argument == "help" { continue }
      if let next = subcommands.first(where: { names($0).contains(argument) }) {
        command = next
        path.append(argument)
        continue
      }
      guard command.configuration.defaultSubcommand == nil else { return }
      let known = subcommands.map(name)
      let nearest = Suggestion.nearest(to: argument, among: known + ["help"])
      throw .usage(
        "\(path.dropFirst().map { $0 + ": " }.joined())\"\(argument)\" is not a command"
          + (nearest.map { "; did you mean \"\($0)\"?" } ?? ""),
        next: "There are: \(known.joined(separator: ", ")). See: \(path.joined(separator: " ")) --help")
    }
  }

  /// The words of the command that the arguments name, for example `["wscore", "inspect", "sessions"]`.
  static func path(_ arguments: [String], _ root: any ParsableCommand.Type) -> [String] {
    var command = root
    var path = [name(command)]
    for argument in arguments {
      guard let next = command.configuration.subcommands.first(where: { names($0).contains(argument) }) else { break }
      command = next
      path.append(argument)
    }
    return path
  }

  private static func name(_ command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? "\(command)".lowercased()
  }

  private static func names(_ command: any ParsableCommand.Type) -> [String] {
    [name(command)] + command.configuration.aliases
  }
}
