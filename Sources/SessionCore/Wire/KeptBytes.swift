/// A copy of bytes that are mostly few, and then take no memory of their own.
struct KeptBytes {
  private typealias Short = SIMD16<UInt8>

  private(set) var byteCount = 0
  /// As they lie in memory; behind them what means nothing.
  private var short = Short()
  /// All of them if they are more than sixteen.
  private var long: [UInt8] = []

  /// Becomes a copy of those of `range`.
  @inline(__always) mutating func assign(_ source: Span<UInt8>, _ range: Range<Int>) {
    byteCount = range.count
    guard byteCount <= Short.scalarCount, source.count &- range.lowerBound >= Short.scalarCount else {
      return assignOtherwise(source, range)
    }
    // Unsafe in name: any bytes are such a vector, and the load looks after its bounds.
    short = source.bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: Short.self)
  }

  /// More than sixteen, or so near to the end that no sixteen follow.
  @inline(never) private mutating func assignOtherwise(_ source: Span<UInt8>, _ range: Range<Int>) {
    guard range.count <= Short.scalarCount else { return long.assign(source.extracting(range)) }
    for (place, index) in range.enumerated() { short[place] = source[index] }
  }

  /// Puts `byteCount` bytes.
  @inline(__always) func put(_ message: inout ByteCursor) {
    if byteCount > Short.scalarCount { return long.withUnsafeBytes { message.put($0) } }
    withUnsafeBytes(of: short) { message.put(short: UnsafeRawBufferPointer(rebasing: $0[..<byteCount])) }
  }

  var bytes: [UInt8] {
    byteCount > Short.scalarCount ? long : (0..<byteCount).map { short[$0] }
  }
}
