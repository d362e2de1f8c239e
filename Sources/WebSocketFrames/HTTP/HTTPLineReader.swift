/// Lines that end with CR LF, taken from any segmentation; both halves of a line end alone are refused, since two
/// readers of them may see two messages: RFC 9112 section 2.2.
struct HTTPLineReader {
  enum Fault: Error {
    case bareLineFeed
    case bareCarriageReturn
    case controlCharacter
    case tooLong
  }

  /// The line as far as it has come, without its end.
  private(set) var line: [UInt8] = []
  /// The most bytes of all lines together, their ends included.
  private let byteLimit: Int
  private var byteCount = 0
  private var isAfterCarriageReturn = false

  init(byteLimit: Int) { self.byteLimit = byteLimit }

  /// Moves bytes to `line` up to the end of it; false if that is not in the input.
  mutating func takeLine(_ input: UnsafeRawBufferPointer, _ offset: inout Int) throws(Fault) -> Bool {
    while offset < input.count {
      guard byteCount < byteLimit else { throw .tooLong }
      let byte = input[offset]
      if isAfterCarriageReturn {
        guard byte == Grammar.lineFeed else { throw .bareCarriageReturn }
        isAfterCarriageReturn = false
        advance(1, &offset)
        return true
      }
      guard byte != Grammar.lineFeed else { throw .bareLineFeed }
      if byte == Grammar.carriageReturn {
        isAfterCarriageReturn = true
        advance(1, &offset)
        continue
      }
      let text = input[offset...].prefix(byteLimit - byteCount).prefix(while: Grammar.isText)
      guard !text.isEmpty else { throw .controlCharacter }
      line.append(contentsOf: text)
      advance(text.count, &offset)
    }
    return false
  }

  /// The next line is another one.
  mutating func beginLine() { line.removeAll(keepingCapacity: true) }

  private mutating func advance(_ count: Int, _ offset: inout Int) {
    offset += count
    byteCount += count
  }
}
