/// A version that will be removed: told to the clients that it concerns, and its use counted.
public struct Deprecation: Sendable, Equatable, CustomStringConvertible {
  public enum Subject: Sendable, Hashable, CustomStringConvertible {
    /// A version of the protocol.
    case version(UInt64)
    /// A version of an event's payload.
    case event(String, version: UInt64)

    /// `v1`, `chat.send@1`.
    public var description: String {
      switch self {
      case .version(let version): "v\(version)"
      case .event(let name, let version): "\(name)@\(version)"
      }
    }
  }

  public var subject: Subject
  /// When it will be removed, `2027-01-01`. Only told; nothing happens by itself.
  public var date: String
  /// What to do instead, for people.
  public var text: String

  public init(_ subject: Subject, date: String, text: String = "") {
    (self.subject, self.date, self.text) = (subject, date, text)
  }

  /// As `welcome.deprecations` has it: the subject and the date come first, in this form.
  public var description: String { "\(subject) until \(date)\(text.isEmpty ? "" : ": \(text)")" }
}
