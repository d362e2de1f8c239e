/// Where everything stands in messages that are not only spelled alike but as long, value by value. Such a message is
/// compared and judged in pieces whose places are known, so that no step waits for the one before.
///
/// It is a message with the same members in the same order: the bytes around the values are the same, numbers have digits
/// where there were digits, texts have no quotes, escapes or controls where there were none.
package final class EnvelopeLayout: Sendable {
  private typealias Bytes = SIMD16<UInt8>

  /// Sixteen bytes of the message; those of the mask are what counts.
  private struct Piece: Sendable {
    let start: Int
    /// All ones or all zeros.
    let mask: Bytes
    var text = Bytes()
  }

  /// Digits at the end of the word at `start`.
  private struct Number: Sendable {
    let start: Int
    /// Bits in front of them.
    let shift: UInt64

    var isOne: Bool { shift == 56 }
  }

  /// Longer ones differ in length mostly, and there is no piece in shorter ones.
  static let byteCounts = 16...512

  private let byteCount: Int
  /// Bytes that are the same in all of the messages.
  private let constants: [Piece]
  /// Bytes of texts.
  private let texts: [Piece]
  private let seq: Number?
  private let ack: Number?
  /// The payload where it is no text: it is read through.
  private let payload: Range<Int>?
  /// All that is the same in all of them, places included.
  private let envelope: Envelope

  /// That of a message; nil if it is not one that others are likely to have.
  /// - Parameters:
  ///   - envelope: what the message was read as, without a fault.
  ///   - name: what `Envelope.layout` is to be of those that have it.
  package init?(of message: Span<UInt8>, _ envelope: Envelope, name: UInt32) {
    guard EnvelopeLayout.byteCounts ~= message.count else { return nil }
    var (seq, ack, payload) = (Number?.none, Number?.none, Range<Int>?.none)
    // All ones where bytes are the same in all of the messages.
    var isConstant = [UInt8](repeating: .max, count: message.count)
    func vary(_ range: Range<Int>) { for place in range { isConstant[place] = 0 } }
    var texts: [Piece] = []
    let wasRead = MessageMembers.forEach(message) { field, _, range in
      switch field {
      case .seq, .ack:
        guard let number = EnvelopeLayout.number(range) else { return false }
        if field == .seq { seq = number } else { ack = number }
        vary(range)
      case .id, .re, .room, .key, .payload:
        guard let pieces = EnvelopeLayout.text(message, range) else {
          guard field == .payload else { return false }
          payload = range
          vary(range)
          break
        }
        texts += pieces
        vary(range.lowerBound + 1..<range.upperBound - 1)
      // A position is another one in each message.
      case .crit, .pos: return false
      default: break
      }
      return true
    }
    guard wasRead else { return nil }
    constants = EnvelopeLayout.pieces(0..<message.count, message.count).compactMap { piece in
      let mask = piece.mask & EnvelopeLayout.load(isConstant.span, piece.start)
      return mask == Bytes() ? nil : Piece(start: piece.start, mask: mask, text: EnvelopeLayout.load(message, piece.start) & mask)
    }
    (byteCount, self.texts, self.seq, self.ack, self.payload) = (message.count, texts, seq, ack, payload)
    var envelope = envelope
    envelope.layout = name
    self.envelope = envelope
  }

  /// Reads a message that has it into `envelope`. False for any other; then what is in it means nothing.
  /// - Parameter isUTF8: see `EnvelopeReader.read`.
  package func read(_ bytes: Span<UInt8>, isUTF8: Bool, into envelope: inout Envelope) -> Bool {
    guard bytes.count == byteCount else { return false }
    return bytes.withUnsafeBytes { message in
      // There is one, since there are bytes.
      let base = message.baseAddress.unsafelyUnwrapped
      guard hasConstants(base), let isASCII = areTextsASCII(base) else { return false }
      envelope = self.envelope
      guard read(seq, base, into: &envelope.seq), read(ack, base, into: &envelope.ack), envelope.seq != 0 else { return false }
      var reader = JSONReader(at: payload?.lowerBound ?? 0)
      if let payload, (try? reader.skipValue(bytes, depth: 1)) != payload { return false }
      return isASCII && !reader.sawNonASCII || isUTF8 || (try? Envelope.checkUTF8(bytes)) != nil
    }
  }

  // MARK: Reading

  /// Proof for this and what follows that nothing outside of the message is read: what is loaded was in the message that the
  /// layout is of, and this one is as long.
  @inline(__always) private static func load(_ base: UnsafeRawPointer, _ start: Int) -> Bytes {
    base.loadUnaligned(fromByteOffset: start, as: Bytes.self)
  }

  @inline(__always) private static func isZero(_ bytes: Bytes) -> Bool {
    let words = unsafeBitCast(bytes, to: SIMD2<UInt64>.self)
    return words.x | words.y == 0
  }

  @inline(__always) private func hasConstants(_ base: UnsafeRawPointer) -> Bool {
    var difference = Bytes()
    constants.withUnsafeBufferPointer { pieces in
      for piece in pieces { difference |= (EnvelopeLayout.load(base, piece.start) ^ piece.text) & piece.mask }
    }
    return EnvelopeLayout.isZero(difference)
  }

  /// Whether all of them are ASCII. Nil if there is a byte that cannot stand in a text as it is.
  @inline(__always) private func areTextsASCII(_ base: UnsafeRawPointer) -> Bool? {
    var (marks, all) = (Bytes(), Bytes())
    texts.withUnsafeBufferPointer { pieces in
      for piece in pieces {
        let text = EnvelopeLayout.load(base, piece.start)
        marks |= unsafeBitCast(JSONReader.specialMarks(unsafeBitCast(text, to: JSONReader.Words.self)), to: Bytes.self) & piece.mask
        all |= text & piece.mask
      }
    }
    return EnvelopeLayout.isZero(marks & 0x80) ? EnvelopeLayout.isZero(all & 0x80) : nil
  }

  @inline(__always) private func read(_ number: Number?, _ base: UnsafeRawPointer, into value: inout UInt64?) -> Bool {
    guard let number else { return true }
    let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: number.start, as: UInt64.self))
    let ends = (word ^ (JSONReader.ones &* 0x30)) &>> number.shift
    let digits = ends &<< number.shift
    guard JSONReader.nonDigitMarks(digits) == 0, ends & 0xFF != 0 || number.isOne else { return false }
    value = JSONReader.number(ofDigits: digits)
    return true
  }

  // MARK: Making

  private static func load(_ message: Span<UInt8>, _ start: Int) -> Bytes {
    precondition(start + Bytes.scalarCount <= message.count)
    return message.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Bytes.self) }
  }

  /// The bytes of `range` as pieces of a message, each within it.
  private static func pieces(_ range: Range<Int>, _ byteCount: Int) -> [Piece] {
    let count = Bytes.scalarCount
    return stride(from: range.lowerBound, to: range.upperBound, by: count).map { start in
      let place = min(start, byteCount - count)
      var mask = Bytes()
      for index in start..<min(start + count, range.upperBound) { mask[index - place] = .max }
      return Piece(start: place, mask: mask)
    }
  }

  /// Nil for a number that does not fit into a word.
  /// - Parameter range: of what was read as a whole number; in front of it stand a brace, its key and a colon.
  private static func number(_ range: Range<Int>) -> Number? {
    guard 1...8 ~= range.count, range.upperBound >= 8 else { return nil }
    return Number(start: range.upperBound - 8, shift: UInt64(64 - 8 * range.count))
  }

  /// Nil for what is no text without escapes.
  private static func text(_ message: Span<UInt8>, _ range: Range<Int>) -> [Piece]? {
    guard range.count >= 2, message[range.lowerBound] == 0x22 else { return nil }
    let inside = range.lowerBound + 1..<range.upperBound - 1
    return inside.contains { message[$0] == 0x5C } ? nil : pieces(inside, message.count)
  }
}
