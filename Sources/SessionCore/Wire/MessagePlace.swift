/// What lies somewhere in a message: where, in eight bytes, or that there is none.
@propertyWrapper public struct MessagePlace<Value: LiesInMessage>: Sendable {
  private var start: UInt32
  private var end: UInt32
  /// Behind every message: `JSONReader.maxByteCount`.
  private static var none: UInt32 { .max }

  @inline(__always) public init(wrappedValue value: Value?) {
    guard let value else {
      (start, end) = (MessagePlace.none, MessagePlace.none)
      return
    }
    let (range, mark) = value.place
    start = UInt32(truncatingIfNeeded: range.lowerBound)
    end = UInt32(truncatingIfNeeded: range.upperBound) | (mark ? 1 << 31 : 0)
  }

  @inline(__always) public var wrappedValue: Value? {
    get {
      guard start != MessagePlace.none else { return nil }
      return Value(at: Int(start)..<Int(end & (1 << 31 - 1)), mark: end >> 31 == 1)
    }
    set { self = MessagePlace(wrappedValue: newValue) }
  }
}

/// A value that is known by its place in a message of less than 2^31 bytes, and a mark.
public protocol LiesInMessage {
  init(at range: Range<Int>, mark: Bool)
  var place: (range: Range<Int>, mark: Bool) { get }
}

extension JSONText: LiesInMessage {
  @inline(__always) public init(at range: Range<Int>, mark: Bool) { self.init(range: range, hasEscapes: mark) }
  @inline(__always) public var place: (range: Range<Int>, mark: Bool) { (range, hasEscapes) }
}

extension Range<Int>: LiesInMessage {
  @inline(__always) public init(at range: Range<Int>, mark: Bool) { self = range }
  @inline(__always) public var place: (range: Range<Int>, mark: Bool) { (self, false) }
}
