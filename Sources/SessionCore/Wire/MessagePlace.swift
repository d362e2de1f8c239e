/// Where a text of a message lies, or that there is none, in eight bytes.
@propertyWrapper public struct MessagePlace: Sendable {
  /// The start in the lower half, the end in the upper one. One number, so that it lies where a copy of what it is part of
  /// does not tear it.
  private var bits: UInt64
  /// Behind every message: `JSONReader.maxByteCount`.
  private static var none: UInt64 { .max }
  /// Whether there are escapes in it.
  private static var escapesBit: UInt64 { 1 << 63 }

  @inline(__always) public init(wrappedValue text: JSONText?) {
    guard let text else {
      bits = MessagePlace.none
      return
    }
    let (start, end) = (UInt64(truncatingIfNeeded: text.range.lowerBound), UInt64(truncatingIfNeeded: text.range.upperBound))
    bits = start | end &<< 32 | (text.hasEscapes ? MessagePlace.escapesBit : 0)
  }

  /// Nil where there is no such text.
  @inline(__always) public var wrappedValue: JSONText? {
    get {
      guard bits != MessagePlace.none else { return nil }
      let start = Int(truncatingIfNeeded: bits & 0xFFFF_FFFF)
      let end = Int(truncatingIfNeeded: (bits & ~MessagePlace.escapesBit) &>> 32)
      return JSONText(range: start..<end, hasEscapes: bits & MessagePlace.escapesBit != 0)
    }
    set { self = MessagePlace(wrappedValue: newValue) }
  }
}

/// A number of a message, at most 2^53-1, or that there is none, in eight bytes.
@propertyWrapper public struct MessageNumber: Sendable {
  private var value: UInt64
  private static var none: UInt64 { .max }

  @inline(__always) public init(wrappedValue number: UInt64?) { value = number ?? MessageNumber.none }

  /// Nil where there is no such number.
  @inline(__always) public var wrappedValue: UInt64? {
    get { value == MessageNumber.none ? nil : value }
    set { self = MessageNumber(wrappedValue: newValue) }
  }
}
