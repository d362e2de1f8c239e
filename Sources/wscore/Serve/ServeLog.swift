import Glibc
import Logging
import SessionCore

/// Log lines on standard error: one JSON object a line for programs, or text for people.
struct ServeLog: LogHandler {
  var isJSON: Bool
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  let style: Style

  init(isJSON: Bool, level: Logger.Level) {
    self.isJSON = isJSON
    logLevel = level
    style = Style(.auto, descriptor: STDERR_FILENO)
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let line = isJSON ? json(event, fields) : text(event, fields)
    // Nobody is left to be told if standard error is closed.
    try? LineOutput.standardError.write(line: line)
  }

  private func json(_ event: LogEvent, _ fields: [(key: String, value: Logger.Metadata.Value)]) -> String {
    var members: [JSONValue.Member] = [
      .init("ts", .string(WallClock.timestamp())), .init("level", .string(event.level.rawValue)),
      .init("msg", .string(event.message.description)),
    ]
    for (key, value) in fields { members.append(.init(key, ServeLog.json(value))) }
    return SafeJSON.line(.object(members))
  }

  /// A number stays one; whoever logs it says so by `.stringConvertible`.
  private static func json(_ value: Logger.Metadata.Value) -> JSONValue {
    guard case .stringConvertible(let convertible) = value, let number = convertible as? any BinaryInteger else {
      return .string(value.description)
    }
    return .number(String(number))
  }

  private func text(_ event: LogEvent, _ fields: [(key: String, value: Logger.Metadata.Value)]) -> String {
    let words = fields.map { "\(style($0.key + "=", .dim))\(DisplayWidth.printable($0.value.description))" }
    let level = style(event.level.rawValue.uppercased(), event.level >= .error ? .red : .yellow)
    let head = event.level >= .warning ? [level] : []
    return ([style(WallClock.timeOfDay(), .dim)] + head + [event.message.description] + words).joined(separator: " ")
  }
}
