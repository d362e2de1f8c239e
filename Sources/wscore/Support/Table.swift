/// Rows under headings, aligned by the width of what is shown, cut to the width of the terminal.
package struct Table {
  package enum Alignment: Sendable { case left, right }

  package struct Column: Sendable {
    package var heading: String
    package var alignment: Alignment
    /// Columns that may be made narrower when the terminal is; the others keep their width.
    package var shrinks: Bool

    package init(_ heading: String, _ alignment: Alignment = .left, shrinks: Bool = false) {
      self.heading = heading
      self.alignment = alignment
      self.shrinks = shrinks
    }
  }

  package var columns: [Column]
  package private(set) var rows: [[String]] = []
  /// Fewest columns that a shrinking one keeps.
  private static let leastWidth = 6

  package init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row; missing cells are empty, cells too many are left out.
  package mutating func append(_ cells: [String]) {
    let row = cells.prefix(columns.count).map(DisplayWidth.printable)
    rows.append(row + Array(repeating: "", count: columns.count - row.count))
  }

  /// The lines of the table, without line ends.
  /// - Parameters:
  ///   - width: columns of the terminal; nil where there is none, and nothing is cut then.
  ///   - isUTF8: whether the ellipsis may be one character.
  package func lines(width: Int?, isUTF8: Bool, style: Style) -> [String] {
    let widths = fitted(to: width)
    let ellipsis = isUTF8 ? "…" : "~"
    let heading = line(columns.map(\.heading), widths, ellipsis)
    return [style(heading, .bold)] + rows.map { line($0, widths, ellipsis) }
  }

  private func line(_ cells: [String], _ widths: [Int], _ ellipsis: String) -> String {
    var line = ""
    for (position, cell) in cells.enumerated() {
      let text = DisplayWidth.truncated(cell, to: widths[position], ellipsis: ellipsis)
      let padding = String(repeating: " ", count: max(0, widths[position] - DisplayWidth.of(text)))
      if position > 0 { line += "  " }
      line += columns[position].alignment == .left ? text + padding : padding + text
    }
    while line.last == " " { line.removeLast() }
    return line
  }

  private func fitted(to width: Int?) -> [Int] {
    var widths = columns.indices.map { column in
      rows.reduce(DisplayWidth.of(columns[column].heading)) { max($0, DisplayWidth.of($1[column])) }
    }
    guard let width else { return widths }
    var excess = widths.reduce(0, +) + 2 * (columns.count - 1) - width
    while excess > 0 {
      let widest = columns.indices.filter { columns[$0].shrinks && widths[$0] > Table.leastWidth }
        .max { widths[$0] < widths[$1] }
      guard let widest else { break }
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }
}
