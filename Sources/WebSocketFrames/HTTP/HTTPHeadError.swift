/// Why a head was refused, and where.
public struct HTTPHeadError: Error, Sendable, Equatable {
  public var problem: Problem
  /// The line of the head at which it was noticed, counted from 1.
  public var line: Int

  public init(_ problem: Problem, line: Int) {
    self.problem = problem
    self.line = line
  }

  /// The status to answer a request with.
  public var status: Int { problem.status }

  /// For people. Nothing in it comes from the peer.
  public var text: String { "line \(line) of the head: \(problem.text)" }

  /// How a peer broke RFC 9112, or asked for a part of it that is not spoken here.
  public enum Problem: Error, Sendable, Equatable, CaseIterable {
    case bareLineFeed
    case bareCarriageReturn
    case controlCharacter
    case badStartLine
    case startLineTooLong
    case headTooLong
    case tooManyFields
    case badVersion
    case badTarget
    case connectMethod
    case foldedLine
    case missingColon
    case blankBeforeColon
    case badFieldName
    case missingHost
    case repeatedHost
    case badHost
    case transferEncoding
    case badContentLength
    case conflictingLengths
    case content

    public var status: Int {
      switch self {
      case .startLineTooLong: 414
      case .headTooLong, .tooManyFields: 431
      case .badVersion: 505
      case .connectMethod, .transferEncoding: 501
      case .content: 413
      default: 400
      }
    }

    public var text: String {
      switch self {
      case .bareLineFeed: "a line ends with LF alone, not CR LF"
      case .bareCarriageReturn: "CR without LF"
      case .controlCharacter: "control character"
      case .badStartLine: "not the first line of an HTTP/1.1 message"
      case .startLineTooLong: "the first line is too long"
      case .headTooLong: "the header is too long"
      case .tooManyFields: "too many header lines"
      case .badVersion: "only HTTP/1.1 is spoken here"
      case .badTarget: "malformed request target"
      case .connectMethod: "CONNECT is not implemented"
      case .foldedLine: "a header line begins with a blank"
      case .missingColon: "header line without a colon"
      case .blankBeforeColon: "blank between a header's name and its colon"
      case .badFieldName: "malformed header name"
      case .missingHost: "Host is missing"
      case .repeatedHost: "more than one Host"
      case .badHost: "malformed Host"
      case .transferEncoding: "unknown Transfer-Encoding: only chunked is spoken here"
      case .badContentLength: "malformed or repeated Content-Length"
      case .conflictingLengths: "both Transfer-Encoding and Content-Length"
      case .content: "a request with content is not accepted"
      }
    }
  }
}
