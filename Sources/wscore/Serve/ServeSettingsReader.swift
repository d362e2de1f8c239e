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
    flags: [String: String], environment: (String) -> String? = Environment.value
  ) throws(CLIError) -> ServeSettings {
    var settings = ServeSettings()
    var mistakes: [Mistake] = []
    for option in ServeOption.all {
      let flag = flags[option.name]
      guard let text = flag ?? environment(option.variable).flatMap({ $0.isEmpty ? nil : $0 }) else { continue }
      do throws(OptionFault) {
        try option.apply(&settings, text)
      } catch {
        let source = flag == nil ? option.variable : "--\(option.name)"
        mistakes.append(
          Mistake(text: "\(source): \"\(DisplayWidth.printable(text))\" \(error.text)", isFlag: flag != nil))
      }
    }
    if let text = contradiction(settings) {
      let isFlag = flags["auth"] != nil || flags["token-file"] != nil
      mistakes.append(Mistake(text: text, isFlag: isFlag))
    }
    if settings.server.rawEchoPath == settings.server.path {
      let isFlag = flags["path"] != nil || flags["raw-echo"] != nil
      mistakes.append(Mistake(text: "--raw-echo and --path name the same path", isFlag: isFlag))
    }
    guard let last = mistakes.last else { return settings }
    throw report(mistakes, last)
  }

  private static func contradiction(_ settings: ServeSettings) -> String? {
    switch (settings.authentication, settings.tokenFile) {
    case (.tokenFile, nil): "--auth token-file needs --token-file PATH"
    case (ServeSettings.Authentication.none?, .some): "--auth none and --token-file contradict each other"
    default: nil
    }
  }

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
