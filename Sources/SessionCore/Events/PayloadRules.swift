/// Judges payloads before a handler, a room or another session sees them. Pure: the same payload is always judged in the
/// same way, and the work for one is bounded.
public protocol PayloadRules: Sendable {
  /// The versions of the event that have a rule, rising; none if the event has no rule.
  func versions(of event: String) -> [UInt64]

  /// What is wrong with a payload (JSON text), nil if nothing is, or if this version has no rule.
  func fault(in payload: [UInt8], of event: String, version: UInt64) -> PayloadFault?
}

/// What is wrong with a payload.
public struct PayloadFault: Equatable, Sendable {
  /// A JSON pointer (RFC 6901) to the value that is wrong; empty for the payload as a whole.
  public var path: String
  /// What was expected, for people.
  public var text: String

  public init(path: String, text: String) { (self.path, self.text) = (path, text) }
}

extension ProtocolError {
  /// `payload.invalid`, with the place of the fault in its message and by itself.
  public static func invalidPayload(at path: String, _ text: String) -> ProtocolError {
    var error = ProtocolError("payload.invalid", "\(path.isEmpty ? "the payload" : path): \(text)")
    error.path = path
    return error
  }
}
