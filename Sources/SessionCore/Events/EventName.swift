/// The form of an application event's name.
public enum EventName {
  /// `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 128 bytes.
  public static func isValid(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    return Envelope.isEventName(JSONText(range: 0..<bytes.count, hasEscapes: false), bytes.span)
  }
}
