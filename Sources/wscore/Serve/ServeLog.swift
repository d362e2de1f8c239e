import Glibc
import Logging
import SessionCore

/// Log lines on standard error: one JSON object a line for programs, or text for people.
struct ServeLog: LogHandler {
  typealias Field = (key: String, value: Logger.Metadata.Value)

  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let format: Format
  private let writer: LogWriter

  init(_ format: Format, level: Logger.Level, _ writer: LogWriter) {
    (self.format, logLevel, self.writer) = (format, level, writer)
  }

  static func writer(_ format: Format) -> LogWriter {
    LogWriter(.standardError) { count in
      format.line(.warning, "log lines were left out: nobody read them", [("left_out", .stringConvertible(count))])
    }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    writer.write(line: format.line(event.level, event.message.description, fields.map { ($0.key, $0.value) }))
  }
}

extension ServeLog {
  /// How a line is written.
  struct Format: Sendable {
    /// Else it is text.
    var isJSON: Bool
    let style = Style(.auto, descriptor: STDERR_FILENO)

    func line(_ level: Logger.Level, _ message: String, _ fields: [Field]) -> String {
      isJSON ? json(level, message, fields) : text(level, message, fields)
    }
  }
}

extension ServeLog.Format {
  private func json(_ level: Logger.Level, _ message: String, _ fields: [ServeLog.Field]) -> String {
    var members: [JSONValue.Member] = [
      .init("ts", .string(WallClock.timestamp())), .init("level", .string(level.rawValue)), .init("msg", .string(message)),
    ]
    for (key, value) in fields { members.append(.init(key, json(value))) }
    return SafeJSON.line(.object(members))
  }

  /// A number stays one; whoever logs it says so by `.stringConvertible`.
  private func json(_ value: Logger.Metadata.Value) -> JSONValue {
    guard case .stringConvertible(let convertible) = value, let number = convertible as? any BinaryInteger else {
      return .string(value.description)
    }
    return .number(String(number))
  }

  private func text(_ level: Logger.Level, _ message: String, _ fields: [ServeLog.Field]) -> String {
    let words = fields.map { "\(style($0.key + "=", .dim))\(DisplayWidth.printable($0.value.description))" }
    let mark = style(level.rawValue.uppercased(), level >= .error ? .red : .yellow)
    let head = level >= .warning ? [mark] : []
    return ([style(WallClock.timeOfDay(), .dim)] + head + [message] + words).joined(separator: " ")
  }
}
