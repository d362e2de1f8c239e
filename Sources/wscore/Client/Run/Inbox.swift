import SessionCore

/// Received messages that no `expect` has taken yet. An expectation finds a message that came before it, so a script
/// need not race with the server; it takes the first that matches and leaves the others to those that follow.
package struct Inbox {
  private static let capacity = 10_000
  private var messages: [MessageExpectation.Message] = []
  /// Messages that were pushed out since the inbox was emptied.
  package private(set) var forgotten = 0

  package init() {}

  package mutating func append(_ message: MessageExpectation.Message) {
    if messages.count == Inbox.capacity {
      messages.removeFirst(Inbox.capacity / 10)
      forgotten += Inbox.capacity / 10
    }
    messages.append(message)
  }

  package mutating func removeAll() {
    messages = []
    forgotten = 0
  }

  /// Takes the first match.
  package mutating func take(_ expectation: MessageExpectation) -> Bool {
    guard let position = messages.firstIndex(where: expectation.matches) else { return false }
    messages.remove(at: position)
    return true
  }

  /// The first `error` that answers a message and that nobody expected. One that ends a connection answers none: what comes
  /// of it, a new try for example, tells more.
  package var refusal: JSONValue? {
    messages.first { message in
      message.envelope["type"] == "error" && (message.envelope["seq"] != nil || message.envelope["re"] != nil)
    }?.envelope["payload"]
  }

  /// What is there, for the text of a failed expectation: `presence x3, reply`. What every session gets is left out.
  package var contents: String {
    var counts: [(name: String, count: Int)] = []
    for message in messages where !["welcome", "live", "ack", "ping"].contains(message.name) {
      if let position = counts.firstIndex(where: { $0.name == message.name }) {
        counts[position].count += 1
      } else if counts.count < 20 {
        counts.append((message.name, 1))
      }
    }
    guard !counts.isEmpty else { return "nothing" }
    return counts.map { $0.count == 1 ? $0.name : "\($0.name) x\($0.count)" }.joined(separator: ", ")
  }
}
