/// Names of events that were seen lately, found by their bytes: a name becomes a text, and its handler is looked for, once
/// and not with each message. Its size is fixed, so that a client that makes names up takes no memory.
struct DispatchCache {
  final class Entry: Sendable {
    let name: String
    let version: UInt64
    let decision: Dispatcher.Decision
    fileprivate let bytes: [UInt8]

    fileprivate init(_ name: String, _ version: UInt64, _ dispatcher: Dispatcher, bytes: [UInt8] = []) {
      (self.name, self.version, self.bytes) = (name, version, bytes)
      decision = dispatcher.decide(name, version: version)
    }

    private init() { (name, version, decision, bytes) = ("", 0, .unknown, []) }

    /// Of messages that are no events.
    static let none = Entry()
  }

  /// A power of two.
  private static let count = 64
  private var entries: [Entry?] = Array(repeating: nil, count: DispatchCache.count)

  /// - Parameter name: a text of `bytes`, which were read to their end.
  mutating func entry(
    _ name: JSONText, version: UInt64, _ bytes: Span<UInt8>, _ dispatcher: Dispatcher
  ) -> Entry {
    guard !name.hasEscapes else { return Entry(name.decoded(bytes), version, dispatcher) }
    // Names of one length with the same end share a place, which costs them time and nothing else.
    let hash = (name.word(bytes) ^ version) &* 0x9E37_79B9_7F4A_7C15
    let place = Int(truncatingIfNeeded: hash >> 58) & (DispatchCache.count - 1)
    if let entry = entries[place], entry.version == version, name.isEqual(to: entry.bytes, bytes) {
      return entry
    }
    let entry = Entry(name.text(bytes), version, dispatcher, bytes: JSONText.copy(bytes, name.range))
    entries[place] = entry
    return entry
  }
}
