import SessionCore

/// How results get to standard output. Texts that a peer may have chosen never reach it raw.
struct InspectReport {
  var format: InspectFormat
  var style: Style
  /// Columns of the terminal; nil where there is none.
  var width: Int?
  var isUTF8: Bool

  /// One line of text, made safe.
  func line(_ text: String) throws(ExitStatus) {
    try LineOutput.standardOutput.write(line: DisplayWidth.printable(text))
  }

  /// One line that holds nothing from a peer but what was made safe, and may hold colours.
  func styled(_ text: String) throws(ExitStatus) { try LineOutput.standardOutput.write(line: text) }

  func json(_ value: JSONValue) throws(ExitStatus) { try LineOutput.standardOutput.write(line: SafeJSON.line(value)) }

  /// An object: its members one a line, or as JSON.
  func object(_ value: JSONValue) throws(ExitStatus) {
    guard format == .table else { return try json(value) }
    let fields = ObjectFields.flattened(value)
    let width = fields.reduce(0) { max($0, DisplayWidth.of(DisplayWidth.printable($1.name))) }
    for field in fields {
      let name = DisplayWidth.printable(field.name)
      let padding = String(repeating: " ", count: width - DisplayWidth.of(name))
      try styled("\(style(name + padding, .dim))  \(DisplayWidth.printable(field.value))")
    }
  }

  /// A remark for people, which is no result.
  func remark(_ text: String) {
    guard format == .table else { return }
    // Whoever closed standard error does not want it.
    try? LineOutput.standardError.write(line: text)
  }
}

/// Writes a list as its items come. A table is written in blocks, each under its own headings, so that a list of any
/// length takes little memory.
struct InspectList {
  private static let mostRows = 1000

  private let report: InspectReport
  private let row: (JSONValue) -> [String]
  private var table: Table
  private(set) var count = 0

  /// - Parameter row: the cells of an item, one for each column.
  init(_ report: InspectReport, _ columns: [Table.Column], row: @escaping (JSONValue) -> [String]) {
    self.report = report
    self.row = row
    table = Table(columns)
  }

  mutating func append(_ item: JSONValue) throws(ExitStatus) {
    count += 1
    switch report.format {
    case .ndjson: try report.json(item)
    case .json: try LineOutput.standardOutput.write((count == 1 ? "[" : ",\n ") + SafeJSON.line(item))
    case .table:
      table.append(row(item))
      if table.rows.count == Self.mostRows { try flush() }
    }
  }

  /// - Parameter none: what to tell a person when there was nothing, for example `"No sessions."`.
  mutating func finish(none: String) throws(ExitStatus) {
    switch report.format {
    case .ndjson: break
    case .json: try report.styled(count == 0 ? "[]" : "]")
    case .table:
      if count == 0 { report.remark(none) }
      try flush()
    }
  }

  private mutating func flush() throws(ExitStatus) {
    guard !table.rows.isEmpty else { return }
    for line in table.lines(width: report.width, isUTF8: report.isUTF8, style: report.style) {
      try report.styled(line)
    }
    table = Table(table.columns)
  }
}
