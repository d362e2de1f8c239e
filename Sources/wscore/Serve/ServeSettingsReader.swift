import Glibc
import SessionServer

/// Settings out of flags and variables; every mistake is told, not the first alone.
enum ServeSettingsReader {
  private struct Mistake {
    var text: String
    var isFlag: Bool
  }

  /// - Throws: `CLIError` of the last mistake, after the others were written to standard error: 64 if a flag is wrong,
  ///   78 if only variables are.
  static func read(
    flags: [String: String], environment: (String) -> String? = Environment.value,
    variables: [String] = Environment.names(prefix: "WSCORE_")
  ) throws(CLIError) -> ServeSettings {
    var settings = ServeSettings()
    var mistakes: [Mistake] = []
    var authentication = AuthenticationChoice()
    for option in ServeOption.all {
      let flag = flags[option.name]
      guard let text = flag ?? environment(option.variable) else { continue }
      // Whoever sets a variable means something by it, and what it means is not to be guessed: without a file of tokens
      // everybody would be let in.
      guard flag != nil || !text.isEmpty else {
        mistakes.append(Mistake(text: "\(option.variable) is empty; unset it, or give it a value", isFlag: false))
        continue
      }
      authentication.note(option, isFlag: flag != nil)
      do throws(OptionFault) {
        try option.apply(&settings, text)
      } catch {
        let source = flag == nil ? option.variable : "--\(option.name)"
        let value = option.mayHoldSecret ? "the value" : "\"\(DisplayWidth.printable(text))\""
        mistakes.append(Mistake(text: "\(source): \(value) \(error.text)", isFlag: flag != nil))
      }
    }
    if mistakes.isEmpty, let text = authentication.settle(&settings) {
      mistakes.append(Mistake(text: text, isFlag: authentication.isByFlag))
    }
    mistakes += samePaths(settings, flags)
    if mistakes.isEmpty, let text = settings.listenContradiction ?? settings.tls.contradiction(settings) ?? settings.ioContradiction {
      let isFlag = flags.keys.contains {
        $0.hasPrefix("tls-") || $0.hasPrefix("unix") || ["listen", "auth", "io"].contains($0)
      }
      mistakes.append(Mistake(text: text, isFlag: isFlag))
    }
    if mistakes.isEmpty, let text = settings.backends.contradiction {
      let isFlag = flags["api-listen"] != nil || flags["api-secret-file"] != nil
      mistakes.append(Mistake(text: text, isFlag: isFlag))
    }
    if settings.schemasAreStrict, settings.schemaDirectory == nil {
      mistakes.append(
        Mistake(text: "--schemas-strict needs --schemas DIRECTORY", isFlag: flags["schemas-strict"] != nil))
    }
    if mistakes.isEmpty, settings.server.proxies.expectsHeader, settings.server.proxies.ranges.isEmpty,
      !settings.server.proxies.includesLocal {
      let text = "--proxy-protocol needs --trusted-proxy: without it every connection would be refused"
      mistakes.append(Mistake(text: text, isFlag: flags["proxy-protocol"] != nil))
    }
    mistakes += misspelt(variables).map { Mistake(text: $0, isFlag: false) }
    guard let last = mistakes.last else { return settings }
    throw report(mistakes, last)
  }

  private static func samePaths(_ settings: ServeSettings, _ flags: [String: String]) -> [Mistake] {
    let paths = [
      ("path", settings.server.path), ("sse-path", settings.server.eventPath), ("raw-echo", settings.server.rawEchoPath),
    ].compactMap { name, path in path.map { (name, $0) } }
    return paths.indices.flatMap { index in
      paths[..<index].filter { $0.1 == paths[index].1 }.map { earlier in
        let isFlag = flags[earlier.0] != nil || flags[paths[index].0] != nil
        return Mistake(text: "--\(paths[index].0) and --\(earlier.0) name the same path", isFlag: isFlag)
      }
    }
  }

  /// Variables that are so like one of ours that they were meant to be it. Others are let be: `WSCORE_` may well be the
  /// prefix of somebody else, such as an orchestrator that names a service of that name.
  private static func misspelt(_ variables: [String]) -> [String] {
    let known = ServeOption.all.map(\.variable)
    return variables.filter { !known.contains($0) && !foreign.contains($0) }.compactMap { name in
      guard let meant = known.min(by: { Suggestion.distance($0, name) < Suggestion.distance($1, name) }),
        Suggestion.distance(meant, name) <= 2
      else { return nil }
      return "\(name) is no setting; did you mean \(meant)?"
    }
  }

  /// Variables of the other subcommands.
  private static let foreign: Set<String> = ["WSCORE_TOKEN", "WSCORE_HISTFILE", "WSCORE_ADMIN_SOCKET"]

  private static func report(_ mistakes: [Mistake], _ last: Mistake) -> CLIError {
    let status: ExitStatus = mistakes.contains(where: \.isFlag) ? .usage : .configuration
    let style = Style(.auto, descriptor: STDERR_FILENO)
    for mistake in mistakes.dropLast() {
      try? LineOutput.standardError.write(CLIError(mistake.text, status: status).rendered(style))
    }
    let count = mistakes.count > 1 ? "; \(mistakes.count) errors, nothing started" : ""
    return CLIError(last.text + count, next: "See: wscore serve --help", status: status)
  }
}
