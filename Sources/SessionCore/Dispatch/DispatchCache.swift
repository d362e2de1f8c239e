/// Names of events that were seen lately, found by their bytes: a name becomes a text, and its handler is looked for, once
/// and not with each message. Its size is fixed, so that a client that makes names up takes no memory.
struct DispatchCache {
  final class Entry: Sendable {
    let name: String
    let version: UInt64
    let decision: Dispatcher.Decision
    private let bytes: [UInt8]
    /// `JSONText.word` of the name: all of a short one.
    private let word: UInt64

    fileprivate init(
      _ name: String, _ version: UInt64, _ dispatcher: Dispatcher, bytes: [UInt8] = [], word: UInt64 = 0
    ) {
      (self.name, self.version, self.bytes, self.word) = (name, version, bytes, word)
      decision = dispatcher.decide(name, version: version)
    }

    private init() { (name, version, decision, bytes, word) = ("", 0, .unknown, [], 0) }

    /// Of messages that are no events: for no name.
    static let none = Entry()

    /// - Parameters:
    ///   - name: one without escapes, and not empty.
    ///   - word: `JSONText.word` of it.
    @inline(__always) fileprivate func isFor(
      _ name: JSONText, _ word: UInt64, _ version: UInt64, _ text: Span<UInt8>
    ) -> Bool {
      guard self.word == word, self.version == version, bytes.count == name.range.count else { return false }
      return bytes.count <= 8 || name.isEqual(to: bytes, text)
    }
  }

  /// A power of two.
  private static let count = 64
  private var entries: [Entry?] = Array(repeating: nil, count: DispatchCache.count)

  /// Makes `entry` the one for a name. Most often it is so already, since it is what the last message had that was in the
  /// same memory; then nothing is looked up or counted.
  /// - Parameter name: a text of `bytes`, which were read to their end.
  mutating func find(
    _ name: JSONText, version: UInt64, _ bytes: Span<UInt8>, _ dispatcher: Dispatcher, into entry: inout Entry
  ) {
    guard !name.hasEscapes else { return entry = Entry(name.decoded(bytes), version, dispatcher) }
    let word = name.word(bytes)
    guard !entry.isFor(name, word, version, bytes) else { return }
    // Names of one length with the same end share a place, which costs them time and nothing else.
    let hash = (word ^ version) &* 0x9E37_79B9_7F4A_7C15
    let place = Int(truncatingIfNeeded: hash >> 58) & (DispatchCache.count - 1)
    if let known = entries[place], known.isFor(name, word, version, bytes) { return entry = known }
    entry = Entry(name.text(bytes), version, dispatcher, bytes: JSONText.copy(bytes, name.range), word: word)
    entries[place] = entry
  }
}
