import SessionCore

/// Takes secrets out of messages before anything of them is shown: credentials and resume tokens travel in `hello` and
/// `welcome`, and nowhere else.
package enum Redaction {
  private static let mark: JSONValue = "…"
  private static let secrets: Set<String> = ["credential", "token"]

  /// The message as it may be shown.
  package static func redact(_ message: JSONValue) -> JSONValue {
    switch message["type"]?.stringValue {
    case "event", "reply", "error", "member", "ack", "ping", "pong", "join", "leave", "live", "gap": message
    default: redactMembers(message)
    }
  }

  private static func redactMembers(_ value: JSONValue) -> JSONValue {
    switch value {
    case .object(let members):
      .object(members.map { .init($0.key, secrets.contains($0.key) ? mark : redactMembers($0.value)) })
    case .array(let values): .array(values.map(redactMembers))
    default: value
    }
  }
}
