/// Lines on their way to the terminal. A flood of messages costs a bounded amount of memory and of the user's patience:
/// what does not fit is counted, and the count is shown. Alarms and results of commands always come through.
package struct OutputQueue {
  package enum Importance: Sendable { case message, always }

  private let capacity: Int
  private var lines: [String] = []
  private var messages = 0
  private var hidden = 0

  /// - Parameter capacity: most message lines between two flushes.
  package init(capacity: Int) { self.capacity = capacity }

  package var isEmpty: Bool { lines.isEmpty && hidden == 0 }

  package mutating func append(_ line: String, _ importance: Importance) {
    if importance == .message {
      guard messages < capacity else {
        hidden += 1
        return
      }
      messages += 1
    }
    lines.append(line)
  }

  /// All lines as text, with a note of what was left out, and begins anew.
  package mutating func take(isUTF8: Bool) -> String {
    if hidden > 0 { lines.append("\(isUTF8 ? "…" : "...") \(hidden) events hidden") }
    let text = lines.map { $0 + "\n" }.joined()
    self = OutputQueue(capacity: capacity)
    return text
  }
}
