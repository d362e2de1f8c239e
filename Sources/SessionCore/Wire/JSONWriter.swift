extension OutputSpan<UInt8> {
  /// Appends ASCII that stands in the source.
  @inline(__always) mutating func append(literal text: StaticString) {
    text.withUTF8Buffer { append(copying: UnsafeRawBufferPointer($0)) }
  }

  /// Appends bytes as they are. There must be room for them.
  @inline(__always) mutating func append(copying source: UnsafeRawBufferPointer) {
    withUnsafeMutableBufferPointer { buffer, count in
      // The check is the proof that what is copied lies in the buffer.
      precondition(source.count <= buffer.count &- count, "no room for \(source.count) bytes")
      if let base = buffer.baseAddress, let bytes = source.baseAddress {
        UnsafeMutableRawPointer(base + count).copyMemory(from: bytes, byteCount: source.count)
      }
      count &+= source.count
    }
  }

  /// Appends a number in decimal: at most 20 bytes.
  @inline(__always) mutating func append(decimal value: UInt64) {
    append(decimal: value, digitCount: value.decimalDigitCount)
  }

  private mutating func append(decimal value: UInt64, digitCount: Int) {
    withUnsafeMutableBufferPointer { buffer, count in
      // The check is the proof that the digits lie in the buffer: there are `digitCount` of them.
      precondition(digitCount <= buffer.count &- count, "no room for \(digitCount) digits")
      guard let base = buffer.baseAddress else { return }
      count &+= digitCount
      var (rest, index) = (value, count)
      // Two digits at a time: half the divisions.
      while index &- 2 >= count &- digitCount {
        let hundreds = rest / 100
        let pair = rest &- hundreds &* 100
        let tens = (pair &* 103) &>> 10  // pair / 10, for what is below 100
        index &-= 2
        (base + index).initialize(to: UInt8(truncatingIfNeeded: tens) &+ 0x30)
        (base + index + 1).initialize(to: UInt8(truncatingIfNeeded: pair &- tens &* 10) &+ 0x30)
        rest = hundreds
      }
      if index > count &- digitCount { (base + index - 1).initialize(to: UInt8(truncatingIfNeeded: rest) &+ 0x30) }
    }
  }
}

extension UInt64 {
  /// Of 2^64-1, 20.
  @inline(__always) var decimalDigitCount: Int {
    var (count, limit) = (1, UInt64(10))
    while self >= limit {
      count &+= 1
      let (next, isOver) = limit.multipliedReportingOverflow(by: 10)
      if isOver { break }
      limit = next
    }
    return count
  }
}

extension [UInt8] {
  /// Appends bytes in one piece: for what is short, a fraction of what `append(contentsOf:)` costs.
  @inline(__always) mutating func append(copying source: UnsafeRawBufferPointer) {
    append(addingCapacity: source.count) { (target: inout OutputSpan<UInt8>) in target.append(copying: source) }
  }

  mutating func append(_ bytes: Span<UInt8>) { bytes.withUnsafeBytes { append(copying: $0) } }

  /// Becomes a copy of `bytes`, in the memory that is there if it can.
  mutating func assign(_ bytes: Span<UInt8>) {
    guard count == bytes.count else {
      removeAll(keepingCapacity: true)
      return append(bytes)
    }
    // As long as what was there, as most messages are: its place is taken, which costs less than an emptying.
    withUnsafeMutableBytes { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
  }

  /// Appends ASCII that stands in the source.
  mutating func append(literal text: StaticString) {
    text.withUTF8Buffer { append(copying: UnsafeRawBufferPointer($0)) }
  }

  /// Appends a number in decimal.
  mutating func append(decimal value: UInt64) {
    append(addingCapacity: 20) { (target: inout OutputSpan<UInt8>) in target.append(decimal: value) }
  }

  /// Appends `text` as a JSON string, quotes included: RFC 8259 section 7 asks for `"`, `\` and controls to be escaped.
  mutating func append(json text: String) {
    append(addingCapacity: text.jsonByteCount) { (target: inout OutputSpan<UInt8>) in target.append(json: text) }
  }

  /// Appends two lower-case hex digits.
  mutating func append(hex byte: UInt8) {
    append(hexDigit(byte >> 4))
    append(hexDigit(byte & 15))
  }

  /// Appends 16 lower-case hex digits.
  mutating func append(hex word: UInt64) {
    for shift in stride(from: 60, through: 0, by: -4) { append(hexDigit(UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15)) }
  }
}

private func hexDigit(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x61 + digit - 10 }

extension String {
  /// Bytes of the text as a JSON string, quotes included.
  var jsonByteCount: Int {
    var text = self
    return text.withUTF8 { bytes in
      var count = bytes.count &+ 2
      for byte in bytes where isEscaped(byte) { count &+= escapedByteCount(byte) &- 1 }
      return count
    }
  }
}

private func isEscaped(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5C }

private func escapedByteCount(_ byte: UInt8) -> Int {
  switch byte {
  case 0x22, 0x5C, 0x0A, 0x0D, 0x09: 2
  default: 6
  }
}

extension OutputSpan<UInt8> {
  /// Appends `text` as a JSON string: `jsonByteCount` bytes.
  mutating func append(json text: String) {
    append(0x22)
    var text = text
    text.withUTF8 { bytes in
      // What needs no escape goes in one piece.
      var start = 0
      for index in bytes.indices where isEscaped(bytes[index]) {
        append(copying: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start..<index])))
        append(escaped: bytes[index])
        start = index + 1
      }
      append(copying: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start...])))
    }
    append(0x22)
  }

  private mutating func append(escaped byte: UInt8) {
    append(0x5C)
    switch byte {
    case 0x22, 0x5C: append(byte)
    case 0x0A: append(0x6E)
    case 0x0D: append(0x72)
    case 0x09: append(0x74)
    default:
      append(literal: "u00")
      append(hexDigit(byte >> 4))
      append(hexDigit(byte & 15))
    }
  }
}
