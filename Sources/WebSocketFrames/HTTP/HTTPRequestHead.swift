/// The first line of a request: RFC 9112 section 3.
public struct HTTPRequestLine: Sendable, Equatable {
  public let method: String
  /// As sent, percent-encoded; `*` in a request that concerns no resource (section 3.2.4).
  public let path: String
  /// What follows the first question mark, as sent.
  public let query: String?
  /// The server named in a target in absolute form (section 3.2.2).
  public let authority: Authority?
}

/// The head of a request.
public struct HTTPRequestHead: HTTPHead, Equatable {
  public let method: String
  /// As sent, percent-encoded; begins with a slash, or is `*` alone.
  public let path: String
  /// What follows the first question mark, as sent; nil if there is none.
  public let query: String?
  /// The server that the client means, from the target if it names one, else from `Host`.
  public let authority: Authority
  public let fields: HTTPFields
  /// What follows the head; never `.untilClose`.
  public let framing: HTTPFraming

  public static var mayFollowEmptyLine: Bool { true }
  public var isInterim: Bool { false }

  public static func startLine(_ line: [UInt8]) throws(HTTPHeadError.Problem) -> HTTPRequestLine {
    let parts = line.split(separator: Grammar.space, maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 3, Grammar.isToken(parts[0]) else { throw .badStartLine }
    guard let version = HTTPVersion(parts[2]) else { throw .badStartLine }
    guard version == .oneOne else { throw .badVersion }
    let method = Grammar.text(parts[0])
    guard method != "CONNECT" else { throw .connectMethod }
    return try target(parts[1], method: method)
  }

  public init(_ line: HTTPRequestLine, fields: HTTPFields) throws(HTTPHeadError.Problem) {
    let named = try HTTPRequestHead.host(fields)
    framing = try HTTPFraming(fields) ?? .none
    method = line.method
    path = line.path
    query = line.query
    authority = line.authority ?? named
    self.fields = fields
  }

  // MARK: Target

  /// Section 3.2. Bytes that a URI should have escaped are let through, as browsers send some of them.
  private static func target(
    _ bytes: ArraySlice<UInt8>, method: String
  ) throws(HTTPHeadError.Problem) -> HTTPRequestLine {
    guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else { throw .badTarget }
    if bytes.first == UInt8(ascii: "/") { return line(method, bytes, nil) }
    if bytes.elementsEqual([UInt8(ascii: "*")]), method == "OPTIONS" { return line(method, bytes, nil) }
    let head = Grammar.lowercased(bytes.prefix(8))
    let scheme = head == "https://" ? 8 : head.hasPrefix("http://") ? 7 : nil
    guard let scheme else { throw .badTarget }
    let rest = bytes.dropFirst(scheme)
    let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
    do throws(Authority.Fault) {
      return line(method, rest[end...], try Authority(rest[..<end]))
    } catch {
      throw .badTarget
    }
  }

  private static func line(_ method: String, _ target: ArraySlice<UInt8>, _ authority: Authority?) -> HTTPRequestLine {
    let mark = target.firstIndex(of: UInt8(ascii: "?"))
    let path = target[..<(mark ?? target.endIndex)]
    return HTTPRequestLine(
      method: method, path: path.isEmpty ? "/" : Grammar.text(path),
      query: mark.map { Grammar.text(target[($0 + 1)...]) }, authority: authority)
  }

  // MARK: Fields

  /// "A server MUST respond with a 400 to any HTTP/1.1 request message that lacks a Host header field and to any
  /// that contains more than one Host header field line or a Host with an invalid field value" (section 3.2).
  private static func host(_ fields: HTTPFields) throws(HTTPHeadError.Problem) -> Authority {
    let hosts = fields.values(of: "host")
    guard let host = hosts.first else { throw .missingHost }
    guard hosts.count == 1 else { throw .repeatedHost }
    do throws(Authority.Fault) {
      return try Authority(Array(host.utf8))
    } catch {
      throw .badHost
    }
  }
}

extension HTTPRequestHead {
  /// For resources whose requests bear no content: nil if there is none. What is refused need not be read, as the
  /// connection ends with the answer.
  public var refusalOfContent: HTTPRefusal? {
    let problem = HTTPHeadError.Problem.content
    switch framing {
    case .none: return nil
    case .chunked: return HTTPRefusal(HTTPHeadError.Problem.transferEncoding.status, problem.text)
    case .length, .untilClose: return HTTPRefusal(problem.status, problem.text)
    }
  }

  /// Whether the connection is to be kept for further requests (RFC 9112 section 9.3).
  public var keepsConnection: Bool { !fields.contains("close", in: "connection") }

  /// Whether the client waits for `100 Continue` before it sends content (RFC 9110 section 10.1.1).
  public var expectsContinue: Bool { framing != .none && fields.contains("100-continue", in: "expect") }
}

/// `HTTP-version`: RFC 9112 section 2.3.
struct HTTPVersion: Equatable {
  var major: UInt8
  var minor: UInt8

  static let oneZero = HTTPVersion(major: 1, minor: 0)
  static let oneOne = HTTPVersion(major: 1, minor: 1)

  init(major: UInt8, minor: UInt8) {
    self.major = major
    self.minor = minor
  }

  init?(_ bytes: ArraySlice<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == 8, bytes.starts(with: Array("HTTP/".utf8)), bytes[6] == UInt8(ascii: ".") else { return nil }
    guard Grammar.isDigit(bytes[5]), Grammar.isDigit(bytes[7]) else { return nil }
    self.init(major: bytes[5] - 0x30, minor: bytes[7] - 0x30)
  }
}
