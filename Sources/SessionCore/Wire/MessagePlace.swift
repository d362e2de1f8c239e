/// Where a text of a message lies, or that there is none, in eight bytes.
@propertyWrapper public struct MessagePlace: Sendable {
  private var start: UInt32
  /// The highest bit: whether there are escapes in it.
  private var end: UInt32
  /// Behind every message: `JSONReader.maxByteCount`.
  private static var none: UInt32 { .max }
  private static var escapesBit: UInt32 { 1 << 31 }

  @inline(__always) public init(wrappedValue text: JSONText?) {
    guard let text else {
      (start, end) = (MessagePlace.none, MessagePlace.none)
      return
    }
    start = UInt32(truncatingIfNeeded: text.range.lowerBound)
    end = UInt32(truncatingIfNeeded: text.range.upperBound) | (text.hasEscapes ? MessagePlace.escapesBit : 0)
  }

  @inline(__always) public var wrappedValue: JSONText? {
    get {
      guard start != MessagePlace.none else { return nil }
      let end = Int(end & ~MessagePlace.escapesBit)
      return JSONText(range: Int(start)..<end, hasEscapes: self.end & MessagePlace.escapesBit != 0)
    }
    set { self = MessagePlace(wrappedValue: newValue) }
  }
}
