import WebSocketFrames

/// The content of a response, out of the bytes behind its head: RFC 9112 sections 6 and 7. It takes any
/// segmentation and holds a few bytes only.
struct HTTPBodyDecoder {
  enum Problem: Error, Equatable {
    case badContentLength
    case unknownTransferCoding
    case badChunk
    case trailerTooLong

    var text: String {
      switch self {
      case .badContentLength: "malformed or repeated Content-Length"
      case .unknownTransferCoding: "unknown Transfer-Encoding"
      case .badChunk: "malformed chunk"
      case .trailerTooLong: "the trailer is too long"
      }
    }
  }

  private enum Position: Equatable {
    /// So many bytes of content follow.
    case content(UInt64)
    /// Content up to the end of the connection.
    case untilClose
    case chunkSize
    case chunk(UInt64)
    /// The CR LF behind a chunk; true when CR was seen.
    case chunkEnd(Bool)
    /// Lines behind the last chunk.
    case trailer
    case done
  }

  private static let mostLineBytes = 256
  private static let mostTrailerBytes = 4096
  private var position: Position
  /// The line of a chunk's size, or of the trailer, as far as it has come.
  private var line: [UInt8] = []
  private var trailerBytes = 0

  init(_ head: HTTPResponseHead) throws(Problem) {
    let codings = head.fields.elements(of: "transfer-encoding")
    let lengths = head.fields.values(of: "content-length")
    if !codings.isEmpty {
      guard codings.count == 1, codings[0].lowercased() == "chunked", lengths.isEmpty else {
        throw .unknownTransferCoding
      }
      position = .chunkSize
    } else if let length = lengths.first {
      guard lengths.count == 1, 1...15 ~= length.utf8.count, length.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
        let count = UInt64(length)
      else { throw .badContentLength }
      position = count == 0 ? .done : .content(count)
    } else {
      position = head.status == 204 || head.status == 304 ? .done : .untilClose
    }
  }

  /// Whether all of it has come.
  var isComplete: Bool { position == .done }
  /// Whether the connection may end here.
  var mayEnd: Bool { position == .done || position == .untilClose }

  /// Takes bytes from the front of `input` and returns the content among them, which may be empty; to be called
  /// until `input` is empty or the content complete.
  mutating func next(_ input: inout ArraySlice<UInt8>) throws(Problem) -> ArraySlice<UInt8> {
    switch position {
    case .done:
      return []
    case .untilClose:
      defer { input = [] }
      return input
    case .content(let count):
      let content = take(count, &input)
      let rest = count - UInt64(content.count)
      position = rest == 0 ? .done : .content(rest)
      return content
    case .chunk(let count):
      let content = take(count, &input)
      let rest = count - UInt64(content.count)
      position = rest == 0 ? .chunkEnd(false) : .chunk(rest)
      return content
    default:
      try readFraming(&input)
      return []
    }
  }

  private func take(_ count: UInt64, _ input: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let taken = input.prefix(Int(clamping: count))
    input = input.dropFirst(taken.count)
    return taken
  }

  private mutating func readFraming(_ input: inout ArraySlice<UInt8>) throws(Problem) {
    guard let byte = input.popFirst() else { return }
    if case .chunkEnd(let sawReturn) = position {
      guard byte == (sawReturn ? 0x0A : 0x0D) else { throw .badChunk }
      position = sawReturn ? .chunkSize : .chunkEnd(true)
      return
    }
    if position == .trailer {
      trailerBytes += 1
      guard trailerBytes <= Self.mostTrailerBytes else { throw .trailerTooLong }
    }
    guard byte == 0x0A else {
      guard line.count < Self.mostLineBytes else { throw .badChunk }
      line.append(byte)
      return
    }
    guard line.popLast() == 0x0D else { throw .badChunk }
    try endLine()
    line.removeAll(keepingCapacity: true)
  }

  private mutating func endLine() throws(Problem) {
    if position == .trailer {
      if line.isEmpty { position = .done }
      return
    }
    // Extensions of the chunk stand behind a semicolon and mean nothing here.
    let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
    guard 1...15 ~= digits.count, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
      let count = UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw .badChunk }
    position = count == 0 ? .trailer : .chunk(count)
  }
}
