/// Cuts a stream of bytes into lines, and holds one unfinished line at most.
struct LineSplitter {
  struct TooLong: Error {}

  /// The most bytes of a line.
  let limit: Int
  private var pending: [UInt8] = []

  init(limit: Int) { self.limit = limit }

  /// Hands each line that is complete to `body`, without its end; empty ones are passed over.
  mutating func take(_ bytes: ArraySlice<UInt8>, _ body: ([UInt8]) throws -> Void) throws {
    var rest = bytes
    while let end = rest.firstIndex(of: 0x0A) {
      try hold(rest[..<end])
      rest = rest[(end + 1)...]
      try flush(body)
    }
    try hold(rest)
  }

  /// The last line, if no end stood behind it.
  mutating func finish(_ body: ([UInt8]) throws -> Void) throws { try flush(body) }

  private mutating func hold(_ bytes: ArraySlice<UInt8>) throws {
    guard bytes.count <= limit - pending.count else { throw TooLong() }
    pending.append(contentsOf: bytes)
  }

  private mutating func flush(_ body: ([UInt8]) throws -> Void) throws {
    if pending.last == 0x0D { pending.removeLast() }
    defer { pending.removeAll(keepingCapacity: true) }
    if !pending.isEmpty { try body(pending) }
  }
}
