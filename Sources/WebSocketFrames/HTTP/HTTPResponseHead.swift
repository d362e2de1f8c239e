/// The first line of a response: RFC 9112 section 4.
public struct HTTPStatusLine: Sendable, Equatable {
  /// 100…599.
  public let status: Int
  public let reason: String
  /// HTTP/1.0 otherwise.
  public let isHTTP11: Bool
}

/// The head of a response. Interim ones (100, 102, 103) are passed over; 101 is final.
public struct HTTPResponseHead: HTTPHead, Equatable {
  /// 100…599.
  public let status: Int
  /// The peer's words for the status; may be empty.
  public let reason: String
  /// HTTP/1.0 otherwise, which some servers speak when they refuse.
  public let isHTTP11: Bool
  public let fields: HTTPFields

  public static var mayFollowEmptyLine: Bool { false }
  public var isInterim: Bool { status < 200 && status != 101 }

  public static func startLine(_ line: [UInt8]) throws(HTTPHeadError.Problem) -> HTTPStatusLine {
    let parts = line.split(separator: Grammar.space, maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let version = HTTPVersion(parts[0]) else { throw .badStartLine }
    guard version == .oneOne || version == .oneZero else { throw .badVersion }
    guard parts[1].count == 3, let status = Grammar.number(parts[1]), 100...599 ~= status else { throw .badStartLine }
    return HTTPStatusLine(status: status, reason: Grammar.text(parts[2]), isHTTP11: version == .oneOne)
  }

  public init(_ line: HTTPStatusLine, fields: HTTPFields) {
    status = line.status
    reason = line.reason
    isHTTP11 = line.isHTTP11
    self.fields = fields
  }
}
