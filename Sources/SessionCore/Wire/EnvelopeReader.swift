/// Reads a stream of messages, most of which are spelled like one that was there before, and many of those as long in each
/// value. It finds in each what `Envelope(parsing:)` finds.
public struct EnvelopeReader: Sendable {
  /// By the lengths of their messages.
  private var layouts: [EnvelopeLayout?] = []
  /// The one that the last message had. Not counted: `layouts` holds it, and what is taken from there is not it.
  private var usualLayout: Unmanaged<EnvelopeLayout>?
  private var layoutMissCount = 0
  /// Of the layout that was learned last; a reader uses none twice.
  private var layoutName: UInt32 = 0
  private var spellings: [EnvelopeSpelling] = []
  /// The one that the last message had of those that had no layout.
  private var usual: EnvelopeSpelling?
  private var missCount = 0

  /// A power of two.
  private static let layoutCount = 16
  private static let maxSpellingCount = 8
  /// Of messages that are spelled otherwise the first few, and each so manieth from then on, are learned from: what is
  /// frequent is soon known, and who spells each message in another way takes little time with it. So it is with layouts, which
  /// take longer to learn and change more often.
  private static let missesForEach = 16
  private static let layoutMissesForEach = 128
  /// A longer message is mostly payload, which would be passed over once for each spelling that it might have.
  private static let maxMessageByteCount = 4_096

  public init() {}

  /// Lets go of what was learned. Names of layouts go on: messages that were read before may still have theirs.
  mutating func removeAll() {
    let layoutName = layoutName
    self = EnvelopeReader()
    self.layoutName = layoutName
  }

  /// Reads a message into `envelope`, which must be as new; after an error what is in it means nothing.
  /// - Parameter isUTF8: it was seen that they are, so they are not looked at again. What is not UTF-8 is malformed otherwise.
  public mutating func read(
    _ bytes: Span<UInt8>, isUTF8: Bool = false, into envelope: inout Envelope
  ) throws(Envelope.Fault) {
    if let usualLayout, usualLayout._withUnsafeGuaranteedRef({ $0.read(bytes, isUTF8: isUTF8, into: &envelope) }) { return }
    guard bytes.count <= EnvelopeReader.maxMessageByteCount else {
      envelope = Envelope()
      return try envelope.read(bytes, isUTF8: isUTF8)
    }
    try readOtherwise(bytes, isUTF8, into: &envelope)
  }

  @inline(never) private mutating func readOtherwise(
    _ bytes: Span<UInt8>, _ isUTF8: Bool, into envelope: inout Envelope
  ) throws(Envelope.Fault) {
    let place = bytes.count & (EnvelopeReader.layoutCount - 1)
    if place < layouts.count, let layout = layouts[place], layout !== usualLayout?.takeUnretainedValue(),
      layout.read(bytes, isUTF8: isUTF8, into: &envelope)
    {
      return usualLayout = Unmanaged.passUnretained(layout)
    }
    envelope = Envelope()
    try readSpelled(bytes, isUTF8, into: &envelope)
    learnLayout(of: bytes, envelope, at: place)
  }

  private mutating func learnLayout(of bytes: Span<UInt8>, _ envelope: Envelope, at place: Int) {
    guard EnvelopeLayout.byteCounts ~= bytes.count, layoutName < .max else { return }
    layoutMissCount &+= 1
    guard layoutMissCount <= EnvelopeReader.layoutCount || layoutMissCount % EnvelopeReader.layoutMissesForEach == 0,
      let layout = EnvelopeLayout(of: bytes, envelope, name: layoutName + 1)
    else { return }
    layoutName += 1
    if layouts.isEmpty { layouts = Array(repeating: nil, count: EnvelopeReader.layoutCount) }
    // What is taken from its place may be the usual one.
    usualLayout = Unmanaged.passUnretained(layout)
    layouts[place] = layout
  }

  private mutating func readSpelled(
    _ bytes: Span<UInt8>, _ isUTF8: Bool, into envelope: inout Envelope
  ) throws(Envelope.Fault) {
    if let usual, usual.read(bytes, isUTF8: isUTF8, into: &envelope) { return }
    for spelling in spellings where spelling !== usual {
      envelope = Envelope()
      if spelling.read(bytes, isUTF8: isUTF8, into: &envelope) { return usual = spelling }
    }
    envelope = Envelope()
    try envelope.read(bytes, isUTF8: isUTF8)
    missCount &+= 1
    guard missCount <= EnvelopeReader.maxSpellingCount || missCount % EnvelopeReader.missesForEach == 0,
      let spelling = EnvelopeSpelling(of: bytes, envelope)
    else { return }
    guard spellings.count == EnvelopeReader.maxSpellingCount else { return spellings.append(spelling) }
    spellings[missCount / EnvelopeReader.missesForEach % EnvelopeReader.maxSpellingCount] = spelling
  }
}
