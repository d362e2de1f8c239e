/// Bounds of the content that a peer sends.
public struct HTTPBodyLimits: Sendable {
  /// The most bytes of content, chunks together.
  public var contentBytes: Int
  /// The most bytes of the line in front of a chunk, its extensions and its end included.
  public var chunkLineBytes: Int
  /// The most bytes of the lines behind the last chunk.
  public var trailerBytes: Int

  public init(contentBytes: Int, chunkLineBytes: Int = 256, trailerBytes: Int = 4_096) {
    self.contentBytes = contentBytes
    self.chunkLineBytes = chunkLineBytes
    self.trailerBytes = trailerBytes
  }
}

/// Why content was refused.
public enum HTTPBodyError: Error, Sendable, Equatable, CaseIterable {
  case tooLong
  case badChunk
  case badTrailer
  case trailerTooLong

  /// The status to answer a request with.
  public var status: Int {
    switch self {
    case .tooLong: 413
    case .trailerTooLong: 431
    case .badChunk, .badTrailer: 400
    }
  }

  /// For people. Nothing in it comes from the peer.
  public var text: String {
    switch self {
    case .tooLong: "the content is too long"
    case .badChunk: "malformed chunk"
    case .badTrailer: "malformed line behind the last chunk"
    case .trailerTooLong: "the trailer is too long"
    }
  }
}

/// What the reader found next.
public enum HTTPBodyEvent: Sendable, Equatable {
  /// Content at this place of the input; never empty.
  case content(Range<Int>)
  /// All of it has come; what is behind `offset` is no part of it.
  case complete
  /// Nothing that follows is read.
  case failed(HTTPBodyError)
  /// All input was taken in.
  case needsMore
}

/// A strict reader of the content of one HTTP/1.1 message that takes any segmentation and hands content out where it
/// lies: RFC 9112 sections 6 and 7. Chunk extensions and trailers are judged and thrown away. What it holds is one line.
public struct HTTPBodyReader: ~Copyable {
  private enum Position: Equatable {
    /// So many bytes of content follow.
    case content(Int)
    case untilClose
    case chunkSize
    case chunk(Int)
    /// The line end behind a chunk.
    case chunkEnd
    case trailer
    case done
    case failed
  }

  private let limits: HTTPBodyLimits
  private var position: Position
  private var lines: HTTPLineReader
  /// Content that may still come.
  private var allowance: Int

  /// - Throws: `.tooLong` if the head announces more than the limits allow.
  public init(_ framing: HTTPFraming, limits: HTTPBodyLimits) throws(HTTPBodyError) {
    self.limits = limits
    allowance = limits.contentBytes
    lines = HTTPLineReader(byteLimit: limits.chunkLineBytes)
    switch framing {
    case .none: position = .done
    case .length(let count):
      guard count <= limits.contentBytes else { throw .tooLong }
      position = .content(count)
    case .chunked: position = .chunkSize
    case .untilClose: position = .untilClose
    }
  }

  /// Whether all of it has come.
  public var isComplete: Bool { position == .done }
  /// Whether the connection may end here.
  public var mayEnd: Bool { position == .done || position == .untilClose }

  /// Takes in `input` from `offset` on, as far as the next event, and moves `offset` behind what was taken. Once all
  /// content has come nothing more is taken.
  public mutating func next(_ input: UnsafeRawBufferPointer, from offset: inout Int) -> HTTPBodyEvent {
    do throws(HTTPBodyError) {
      return try read(input, &offset)
    } catch {
      position = .failed
      offset = input.count
      return .failed(error)
    }
  }

  private mutating func read(
    _ input: UnsafeRawBufferPointer, _ offset: inout Int
  ) throws(HTTPBodyError) -> HTTPBodyEvent {
    while true {
      switch position {
      case .done: return .complete
      case .failed:
        offset = input.count
        return .needsMore
      case .untilClose:
        guard let range = take(.max, input, &offset) else { return .needsMore }
        guard range.count <= allowance else { throw .tooLong }
        allowance -= range.count
        return .content(range)
      case .content(let count):
        guard let range = take(count, input, &offset) else { return .needsMore }
        position = range.count == count ? .done : .content(count - range.count)
        return .content(range)
      case .chunk(let count):
        guard let range = take(count, input, &offset) else { return .needsMore }
        position = range.count == count ? .chunkEnd : .chunk(count - range.count)
        return .content(range)
      case .chunkSize, .chunkEnd, .trailer:
        guard try readLine(input, &offset) else { return .needsMore }
      }
    }
  }

  private func take(_ count: Int, _ input: UnsafeRawBufferPointer, _ offset: inout Int) -> Range<Int>? {
    guard offset < input.count else { return nil }
    let start = offset
    offset += min(count, input.count - offset)
    return start..<offset
  }

  // MARK: Lines

  /// False if the line's end is not in the input.
  private mutating func readLine(_ input: UnsafeRawBufferPointer, _ offset: inout Int) throws(HTTPBodyError) -> Bool {
    let isWhole: Bool
    do throws(HTTPLineReader.Fault) {
      isWhole = try lines.takeLine(input, &offset)
    } catch {
      guard position == .trailer else { throw .badChunk }
      throw error == .tooLong ? .trailerTooLong : .badTrailer
    }
    // Nothing stands between a chunk and its line end: no need to wait for it to know.
    if position == .chunkEnd, !lines.line.isEmpty { throw .badChunk }
    if isWhole { try endLine() }
    return isWhole
  }

  private mutating func endLine() throws(HTTPBodyError) {
    switch position {
    case .trailer:
      if lines.line.isEmpty {
        position = .done
      } else if (try? HTTPField(line: lines.line)) == nil {
        throw .badTrailer
      }
      lines.beginLine()
    case .chunkEnd:
      beginChunk()
    default:
      let count = try HTTPBodyReader.chunkSize(lines.line)
      guard count <= allowance else { throw .tooLong }
      allowance -= count
      position = count == 0 ? .trailer : .chunk(count)
      lines = HTTPLineReader(byteLimit: count == 0 ? limits.trailerBytes : 2)
    }
  }

  private mutating func beginChunk() {
    position = .chunkSize
    lines = HTTPLineReader(byteLimit: limits.chunkLineBytes)
  }

  /// `chunk-size [ chunk-ext ]`: section 7.1. Blanks may stand before the semicolon of an extension and nowhere else.
  private static func chunkSize(_ line: [UInt8]) throws(HTTPBodyError) -> Int {
    let digits = line.prefix { Grammar.hexValue($0) != nil }
    // 15 digits fit an `Int`.
    guard 1...15 ~= digits.count else { throw .badChunk }
    let rest = line[digits.endIndex...]
    guard rest.isEmpty || Grammar.trimmed(rest).first == UInt8(ascii: ";") else { throw .badChunk }
    return digits.reduce(0) { $0 << 4 | Int(Grammar.hexValue($1) ?? 0) }
  }
}
