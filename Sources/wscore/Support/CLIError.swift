/// Something that a person has to be told: what went wrong and where, then why and what to do next.
///
///     wscore: cannot connect to ws://127.0.0.1:8080/ws: connection refused
///       Nothing listens on port 8080. Start it with: wscore serve --listen 127.0.0.1:8080
package struct CLIError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What, with its place in front, for example `"smoke.wsc:12: expect: no \"chat\" within 2s"`.
  package var what: String
  /// Why it happened, if that is known.
  package var why: String?
  /// What to do next, as a sentence or a command.
  package var next: String?
  package var status: ExitStatus

  package init(_ what: String, why: String? = nil, next: String? = nil, status: ExitStatus) {
    self.what = what
    self.why = why
    self.next = next
    self.status = status
  }

  package var description: String { what }

  /// A mistake in the words of the command line.
  package static func usage(_ what: String, next: String? = nil) -> CLIError {
    CLIError(what, next: next, status: .usage)
  }

  /// The text for standard error, with its last line ended. Why and next share the indented line below the first. It may
  /// hold words of a peer, a close reason for example.
  package func rendered(_ style: Style) -> String {
    let first = CLIError.printable(what).joined(separator: "\n")
    let rest = CLIError.printable([why, next].compactMap { $0 }.joined(separator: " "))
    return (["\(style("wscore:", .bold, .red)) \(first)"] + rest.filter { !$0.isEmpty }.map { "  \($0)" })
      .map { "\($0)\n" }.joined()
  }

  private static func printable(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { DisplayWidth.printable(String($0)) }
  }
}
