import SessionCore

/// Something that the client has to say. How, is the renderer's affair.
package struct Report: Sendable {
  package enum Content: Sendable {
    /// A message that came or went; nil where it is no JSON object.
    case frame(Direction, JSONValue?, byteCount: Int)
    /// The link's state changed; the text is for people.
    case state(String, text: String, fields: [JSONValue.Member])
    case fault(FaultVerdict)
    /// An expectation was met.
    case expectation(text: String, elapsed: Duration)
    /// Something the user must not miss.
    case alarm(SessionLedger.Alarm)
    case error(place: String?, String, next: String?)
    /// The answer of a command: lines for people, an object for programs.
    case result(command: String, lines: [String], JSONValue)
    case summary(JSONValue)
    /// A remark for people only.
    case note(String)
  }

  package enum Direction: String, Sendable { case `in`, out }

  package var content: Content
  package var session: String?
  /// How many connections were opened so far, this one included.
  package var connection: Int

  package init(_ content: Content, session: String?, connection: Int) {
    self.content = content
    self.session = session
    self.connection = connection
  }
}
