/// How messages of one kind are spelled by one kind of client: the bytes that are the same in all of them, and which
/// values stand between those. A message that has the same bytes there, and values that may be there, is a message with
/// the same members in the same order: it need not be taken apart to see that.
///
/// Only the usual forms of values are taken: numbers of at most seven digits, texts without escapes. A message that is
/// not spelled so, or is wrong, is left to the general reader, which knows all of the rules and tells what is wrong.
package final class EnvelopeSpelling: Sendable {
  /// A value that differs from message to message, or the end.
  private enum Value: UInt8, Sendable {
    case seq, ack, event, id, re, room, from, key, pos, payload
    case end

    /// Nil for fields that say what kind of message it is.
    init?(_ field: Field?) {
      switch field {
      case .seq: self = .seq
      case .ack: self = .ack
      case .event: self = .event
      case .id: self = .id
      case .re: self = .re
      case .room: self = .room
      case .from: self = .from
      case .key: self = .key
      case .pos: self = .pos
      case .payload: self = .payload
      case .v, .type, .ev, .delivery, .history, .crit, nil: return nil
      }
    }
  }

  /// Bytes from the end of one value to the colon in front of the next, and that next one.
  private struct Piece: Sendable {
    /// Where they stand in `text`.
    let start: UInt16
    let end: UInt16
    let value: Value
  }

  /// What is longer, or has more of these values, is not worth it.
  private static let maxByteCount = 256
  private static let maxPieceCount = 12
  /// Behind the last piece: `WordReader.take` looks so far.
  private static let spareByteCount = 8

  /// All pieces; between the one in front of an event's name and the next stands the name, in quotes.
  private let text: [UInt8]
  private let pieces: [Piece]
  /// What all of the messages are.
  private let version: UInt64
  private let type: MessageType
  private let eventVersion: UInt64
  private let isTransient: Bool
  private let isHistory: Bool

  /// The spelling of a message; nil if it is not one that others are likely to have.
  /// - Parameter envelope: what the message was read as, without a fault.
  package init?(of message: Span<UInt8>, _ envelope: Envelope) {
    // The name is known by its bytes, which must be those that were judged.
    guard message.count >= WordReader.leastByteCount, envelope.event?.hasEscapes != true else { return nil }
    var (text, pieces) = ([UInt8](), [Piece]())
    var start = 0
    func add(_ value: Value, upTo end: Int) {
      let textStart = text.count
      text.append(message.extracting(start..<end))
      pieces.append(Piece(start: UInt16(clamping: textStart), end: UInt16(clamping: text.count), value: value))
    }
    let wasRead = MessageMembers.forEach(message) { field, valueStart, range in
      guard field != .crit else { return false }
      guard let value = Value(field) else { return true }
      // Blanks in front of other values may differ: numbers are put into columns.
      add(value, upTo: value == .event ? range.lowerBound : valueStart)
      if value == .event { text.append(message.extracting(range)) }
      start = range.upperBound
      return true
    }
    guard wasRead else { return nil }
    add(.end, upTo: message.count)
    guard text.count <= EnvelopeSpelling.maxByteCount, pieces.count <= EnvelopeSpelling.maxPieceCount else { return nil }
    self.text = text + [UInt8](repeating: 0, count: EnvelopeSpelling.spareByteCount)
    self.pieces = pieces
    (version, type, eventVersion) = (envelope.version, envelope.type, envelope.eventVersion)
    (isTransient, isHistory) = (envelope.isTransient, envelope.isHistory)
  }

  /// Reads a message that is spelled so into `envelope`, which must be as new. False for any other; then what is in it
  /// means nothing.
  /// - Parameter isUTF8: see `EnvelopeReader.read`.
  package func read(_ bytes: Span<UInt8>, isUTF8: Bool, into envelope: inout Envelope) -> Bool {
    guard WordReader.leastByteCount...JSONReader.maxByteCount ~= bytes.count else { return false }
    (envelope.version, envelope.type, envelope.eventVersion) = (version, type, eventVersion)
    (envelope.isTransient, envelope.isHistory) = (isTransient, isHistory)
    return bytes.withUnsafeBytes { message in
      var words = WordReader(message)
      guard read(&words, bytes, &envelope) else { return false }
      return words.isAtEnd && (words.nonASCII == 0 || isUTF8 || (try? Envelope.checkUTF8(bytes)) != nil)
    }
  }

  @inline(__always) private func read(_ words: inout WordReader, _ bytes: Span<UInt8>, _ envelope: inout Envelope) -> Bool {
    pieces.withUnsafeBufferPointer { pieces in
      text.withUnsafeBytes { text in
        // There is one, since there are bytes.
        let text = text.baseAddress.unsafelyUnwrapped
        for (place, piece) in pieces.enumerated() {
          guard words.take(text, Int(piece.start)..<Int(piece.end)) else { return false }
          if piece.value == .event, case let name = Int(piece.end)..<Int(pieces[place &+ 1].start), words.take(text, name) {
            // Most often it is the name that was judged before.
            envelope.event = JSONText(start: words.index &- name.count &+ 1, end: words.index &- 1)
          } else if piece.value != .end, !EnvelopeSpelling.read(piece.value, &words, bytes, &envelope) {
            return false
          }
        }
        return true
      }
    }
  }

  /// By what a value is rather than by what it is of: the code for each kind is there once, since what a message passes
  /// through has to fit into the processor's cache.
  @inline(__always) private static func read(
    _ value: Value, _ words: inout WordReader, _ bytes: Span<UInt8>, _ envelope: inout Envelope
  ) -> Bool {
    words.skipBlanks()
    if value.rawValue <= Value.ack.rawValue {
      guard let number = words.number() else { return false }
      if value == .ack { envelope.ack = number } else { envelope.seq = number }
      return value == .ack || number > 0
    }
    if value.rawValue >= Value.pos.rawValue {
      guard let range = words.value(bytes) else { return false }
      guard value == .pos else {
        envelope.payload = range
        return true
      }
      envelope.pos = range
      return LogPosition(bytes, range) != nil
    }
    guard let text = words.text() else { return false }
    let maxByteCount: Int
    switch value {
    case .event:
      envelope.event = text
      return Envelope.isEventName(text, bytes)
    case .from:
      envelope.from = text
      return text.isSessionID(bytes)
    case .id: (envelope.id, maxByteCount) = (text, Envelope.MaxBytes.id)
    case .re: (envelope.re, maxByteCount) = (text, Envelope.MaxBytes.id)
    case .room: (envelope.room, maxByteCount) = (text, Envelope.MaxBytes.room)
    default: (envelope.key, maxByteCount) = (text, Envelope.MaxBytes.key)
    }
    return 1...maxByteCount ~= text.range.count
  }
}
