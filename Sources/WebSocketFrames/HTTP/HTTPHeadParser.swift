/// Bounds of a head that a peer sends.
public struct HTTPHeadLimits: Sendable {
  /// The most bytes of a head, line ends included.
  public var headBytes: Int
  /// The most header lines.
  public var fieldCount: Int

  public init(headBytes: Int = 16_384, fieldCount: Int = 100) {
    self.headBytes = headBytes
    self.fieldCount = fieldCount
  }
}

/// What `HTTPHeadParser` makes of its lines: `HTTPRequestHead` or `HTTPResponseHead`.
public protocol HTTPHead: Sendable {
  associatedtype StartLine: Sendable

  /// Reads the first line, given without its line end, as soon as it is there.
  static func startLine(_ line: [UInt8]) throws(HTTPHeadError.Problem) -> StartLine

  /// Judges the head as a whole.
  init(_ startLine: StartLine, fields: HTTPFields) throws(HTTPHeadError.Problem)

  /// Whether an empty line may come before it, as a server should put up with (RFC 9112 section 2.2).
  static var mayFollowEmptyLine: Bool { get }

  /// Whether it announces another head and is to be passed over.
  var isInterim: Bool { get }
}

/// What the parser found next.
public enum HTTPHeadEvent<Head: HTTPHead>: Sendable {
  /// The whole head; what is behind `offset` is no part of it.
  case head(Head)
  /// Nothing that follows is read.
  case failed(HTTPHeadError)
  /// All input was taken in, or the parser is at its end.
  case needsMore
}

/// A strict parser of the head of one HTTP/1.1 message that takes any segmentation: RFC 9112 sections 2 to 5.
///
/// What it holds is bounded by the limits; a bad byte is refused when it is seen, a bad line when it ends, at the
/// same place however the input was cut.
public struct HTTPHeadParser<Head: HTTPHead>: ~Copyable {
  private enum Position {
    case reading
    case done
    case failed
  }

  private let fieldCount: Int
  private var position = Position.reading
  private var lines: HTTPLineReader
  private var startLine: Head.StartLine?
  private var fields: [HTTPField] = []
  private var lineNumber = 1

  public init(limits: HTTPHeadLimits = HTTPHeadLimits()) {
    fieldCount = limits.fieldCount
    lines = HTTPLineReader(byteLimit: limits.headBytes)
  }

  /// Takes in `input` from `offset` on, as far as the end of the head, and moves `offset` behind what was taken.
  /// Once the head was handed out nothing more is taken.
  @_specialize(where Head == HTTPRequestHead)  // a server reads thousands in a storm, from another module
  public mutating func next(_ input: UnsafeRawBufferPointer, from offset: inout Int) -> HTTPHeadEvent<Head> {
    switch position {
    case .done:
      return .needsMore
    case .failed:
      offset = input.count
      return .needsMore
    case .reading:
      do throws(HTTPHeadError.Problem) {
        guard let head = try read(input, &offset) else { return .needsMore }
        end(.done)
        return .head(head)
      } catch {
        offset = input.count
        end(.failed)
        return .failed(HTTPHeadError(error, line: lineNumber))
      }
    }
  }

  private mutating func end(_ position: Position) {
    self.position = position
    lines = HTTPLineReader(byteLimit: 0)
    fields = []
  }

  private mutating func read(
    _ input: UnsafeRawBufferPointer, _ offset: inout Int
  ) throws(HTTPHeadError.Problem) -> Head? {
    while try takeLine(input, &offset) {
      if let head = try endLine() { return head }
      lines.beginLine()
      lineNumber += 1
    }
    return nil
  }

  // MARK: Lines

  private mutating func takeLine(
    _ input: UnsafeRawBufferPointer, _ offset: inout Int
  ) throws(HTTPHeadError.Problem) -> Bool {
    do throws(HTTPLineReader.Fault) {
      return try lines.takeLine(input, &offset)
    } catch {
      switch error {
      case .bareLineFeed: throw .bareLineFeed
      case .bareCarriageReturn: throw .bareCarriageReturn
      case .controlCharacter: throw .controlCharacter
      case .tooLong: throw startLine == nil ? .startLineTooLong : .headTooLong
      }
    }
  }

  /// Takes the line for what it is; the head if that was its last one.
  private mutating func endLine() throws(HTTPHeadError.Problem) -> Head? {
    let line = lines.line
    guard let startLine else {
      if line.isEmpty, lineNumber == 1, Head.mayFollowEmptyLine { return nil }
      self.startLine = try Head.startLine(line)
      return nil
    }
    guard line.isEmpty else {
      guard fields.count < fieldCount else { throw .tooManyFields }
      fields.append(try HTTPField(line: line))
      return nil
    }
    let head = try Head(startLine, fields: HTTPFields(received: fields))
    guard head.isInterim else { return head }
    // The bytes go on being counted: a peer cannot send interim heads for ever.
    self.startLine = nil
    fields = []
    return nil
  }
}
