/// The bytes of one run, taken from the front.
public struct Input {
  private var rest: ArraySlice<UInt8>

  public init(_ bytes: UnsafeBufferPointer<UInt8>) { rest = Array(bytes)[...] }

  public var isEmpty: Bool { rest.isEmpty }

  /// The next byte, 0 behind the end: so every input is one.
  public mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  /// All that is left.
  public mutating func remainder() -> [UInt8] {
    defer { rest = [] }
    return Array(rest)
  }

  /// So many bytes, or as many as there are.
  public mutating func take(_ count: Int) -> [UInt8] {
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  /// Lengths of pieces: a count of at most 15 and so many bytes.
  public mutating func pieces() -> Pieces {
    let count = Int(byte() & 15)
    return Pieces(lengths: take(count).map { Int($0) })
  }
}

/// How a stream is cut: these lengths again and again.
public struct Pieces {
  public var lengths: [Int]

  public init(lengths: [Int]) { self.lengths = lengths }

  /// The bytes in pieces, none of them empty; one piece if there are no lengths.
  public func cut(_ bytes: [UInt8]) -> [[UInt8]] {
    guard lengths.contains(where: { $0 > 0 }) else { return bytes.isEmpty ? [] : [bytes] }
    var parts: [[UInt8]] = []
    var start = 0
    var turn = 0
    while start < bytes.count {
      let length = lengths[turn % lengths.count]
      turn += 1
      guard length > 0 else { continue }
      let end = min(bytes.count, start + length)
      parts.append(Array(bytes[start..<end]))
      start = end
    }
    return parts
  }
}
