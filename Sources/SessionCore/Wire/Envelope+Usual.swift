/// Members as nearly all clients write them: a key that is known, blanks behind a colon or a comma only, no escape in a
/// text, at most seven digits in a number. They are read a word at a time, in a fraction of the time; what is written
/// otherwise, or wrong, is left to the general reader as it stands, which knows all of the rules and tells what is wrong.
extension Envelope {
  /// Reads members from the reader's place on. True if the message's object ended behind the last one; else the reader
  /// stands in front of the first member that is not taken here.
  mutating func readUsualMembers(_ reader: inout JSONReader, _ bytes: Span<UInt8>, _ fields: inout FieldSet) -> Bool {
    guard bytes.count >= WordReader.leastByteCount else { return false }
    return bytes.withUnsafeBytes { text in
      var words = WordReader(text, at: reader.index)
      var isOver = false
      while !isOver, let field = words.key(), !fields.contains(field), readUsual(field, &words, bytes, &fields.type),
        let end = words.takeEnd()
      {
        reader.index = words.index
        isOver = end == 0x7D
        fields.insertNew(field)
      }
      reader.note(nonASCII: words.nonASCII)
      return isOver
    }
  }

  /// A value, by what it is rather than by what it is of: the code for each kind is there once, since what a message passes
  /// through has to fit into the processor's cache.
  @inline(__always) private mutating func readUsual(
    _ field: Field, _ words: inout WordReader, _ bytes: Span<UInt8>, _ type: inout JSONText?
  ) -> Bool {
    words.skipBlanks()
    if let text = words.text() {
      switch field {
      case .type: type = text
      case .event: event = text
      case .id: id = text
      case .re: re = text
      case .room: room = text
      case .from: from = text
      case .key: key = text
      case .payload: payload = text.range.lowerBound &- 1..<text.range.upperBound &+ 1
      default: return false
      }
      return true
    }
    guard field != .payload, field != .pos else {
      guard let range = Envelope.skipUsual(&words, bytes) else { return false }
      if field == .pos { pos = range } else { payload = range }
      return true
    }
    guard let number = words.number() else { return false }
    switch field {
    case .v: version = number
    case .seq: seq = number
    case .ack: ack = number
    case .ev: eventVersion = number
    default: return false
    }
    return true
  }

  @inline(__always) private static func skipUsual(_ words: inout WordReader, _ bytes: Span<UInt8>) -> Range<Int>? {
    var reader = JSONReader(at: words.index)
    guard let range = try? reader.skipValue(bytes, depth: 1) else { return nil }
    words.skip(reader)
    return range
  }
}

/// Reads a message in words. A pointer, since the checks of a span would cost as much as the reading. Proof that nothing
/// outside of the message is read: a word is loaded at `index` only if `index` is at most `count - 8`, else the last word
/// of the message is, and there is one; `index` only moves over bytes that were in a word and not behind the end.
private struct WordReader {
  static let leastByteCount = 8

  private let base: UnsafeRawPointer
  private let count: Int
  private(set) var index: Int
  /// Bits are set once a byte outside ASCII was passed.
  private(set) var nonASCII: UInt64 = 0

  /// - Precondition: `text` has `leastByteCount` bytes and outlives the reader.
  @inline(__always) init(_ text: UnsafeRawBufferPointer, at index: Int) {
    precondition(text.count >= WordReader.leastByteCount)
    // There is one, since there are bytes.
    base = text.baseAddress.unsafelyUnwrapped
    (count, self.index) = (text.count, index)
  }

  /// The eight bytes at `index`, the first one lowest; zeros stand for those behind the end.
  @inline(__always) var word: UInt64 {
    let last = count &- 8
    if index <= last { return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) }
    return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: last, as: UInt64.self)) >> UInt64(truncatingIfNeeded: (index &- last) &* 8)
  }

  /// A key and its colon. Nothing is certain of `index` if there is none that is known here.
  @inline(__always) mutating func key() -> Field? {
    let word = word
    // The quote and the first letter: of keys that begin alike there are two at most.
    switch UInt16(truncatingIfNeeded: word) {
    case 0x7622: return take("\"v\":", word) ? .v : nil
    case 0x7322: return take("\"seq\":", word) ? .seq : nil
    case 0x6122: return take("\"ack\":", word) ? .ack : nil
    case 0x7422: return take("\"type\":", word) ? .type : nil
    case 0x6522: return take("\"event\":", word) ? .event : take("\"ev\":", word) ? .ev : nil
    case 0x6922: return take("\"id\":", word) ? .id : nil
    case 0x7222: return take("\"room\":", word) ? .room : take("\"re\":", word) ? .re : nil
    case 0x6622: return take("\"from\":", word) ? .from : nil
    case 0x6B22: return take("\"key\":", word) ? .key : nil
    case 0x7022:
      guard word == WordReader.word("\"payload") else { return take("\"pos\":", word) ? .pos : nil }
      index &+= 8
      return take("\":", self.word) ? .payload : nil
    default: return nil
    }
  }

  /// A key with its quotes and colon, of at most eight bytes, if `word` begins with it.
  @inline(__always) private mutating func take(_ key: StaticString, _ word: UInt64) -> Bool {
    let mask = UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- key.utf8CodeUnitCount &* 8)
    guard word & mask == WordReader.word(key) else { return false }
    index &+= key.utf8CodeUnitCount
    return true
  }

  /// At most eight bytes of the source: a constant for the compiler.
  @inline(__always) private static func word(_ text: StaticString) -> UInt64 {
    var word: UInt64 = 0
    for place in 0..<text.utf8CodeUnitCount {
      word |= UInt64(text.utf8Start[place]) &<< UInt64(truncatingIfNeeded: place &* 8)
    }
    return word
  }

  @inline(__always) mutating func skipBlanks() {
    var word = word
    while UInt8(truncatingIfNeeded: word) == 0x20 {
      let count = (word ^ (JSONReader.ones &* 0x20)).trailingZeroBitCount &>> 3
      index &+= count
      guard count == 8 else { return }
      word = self.word
    }
  }

  /// A whole number of one to seven plain digits, no zero in front. Nil, with nothing taken, for anything else.
  @inline(__always) mutating func number() -> UInt64? {
    let digits = word ^ (JSONReader.ones &* 0x30)
    // The first byte above 9 gets its top bit; what a carry marks lies behind it.
    let length = JSONReader.markCount(((digits &+ JSONReader.ones &* 0x76) | digits) & JSONReader.tops)
    guard 1...7 ~= length, digits & 0xFF != 0 || length == 1 else { return nil }
    index &+= length
    // Eight digits, zeros in front: neighbours are added up to two, four and eight digits.
    var value = digits &<< UInt64(truncatingIfNeeded: 64 &- length &* 8)
    value = (value &* (10 &<< 8 | 1)) &>> 8 & 0x00FF_00FF_00FF_00FF
    value = (value &* (100 &<< 16 | 1)) &>> 16 & 0x0000_FFFF_0000_FFFF
    return (value &* (10_000 &<< 32 | 1)) &>> 32
  }

  /// A string without escapes. Nil, with nothing taken, for anything else.
  @inline(__always) mutating func text() -> JSONText? {
    let quote = index
    guard UInt8(truncatingIfNeeded: word) == 0x22 else { return nil }
    index &+= 1
    while true {
      let word = word
      let length = JSONReader.plainCount(word)
      index &+= length
      if length == 8 {
        nonASCII |= word & JSONReader.tops
        continue
      }
      let shift = UInt64(truncatingIfNeeded: length &* 8)
      nonASCII |= word & JSONReader.tops & ((1 &<< shift) &- 1)
      guard UInt8(truncatingIfNeeded: word &>> shift) == 0x22 else { break }
      index &+= 1
      return JSONText(start: quote &+ 1, end: index &- 1)
    }
    index = quote
    return nil
  }

  /// The comma or brace behind a member, and the blanks behind a comma. Nil if there is neither.
  @inline(__always) mutating func takeEnd() -> UInt8? {
    let byte = UInt8(truncatingIfNeeded: word)
    guard byte == 0x2C || byte == 0x7D else { return nil }
    index &+= 1
    if byte == 0x2C { skipBlanks() }
    return byte
  }

  /// Moves behind a value that another one has read.
  @inline(__always) mutating func skip(_ reader: JSONReader) {
    index = reader.index
    if reader.sawNonASCII { nonASCII = JSONReader.tops }
  }
}
