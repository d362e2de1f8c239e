/// A `ws:` or `wss:` URL: RFC 6455 section 3, the parts being those of RFC 3986. Or a Unix socket, for which there is no
/// standard: `unix:PATH`, or `ws+unix://PATH` as Node's `ws` has it, and behind `:/` the request's path if it is not
/// `/ws`.
public struct WebSocketURL: Sendable, Equatable {
  /// True for `wss`: the connection goes through TLS.
  public let isSecure: Bool
  /// What to resolve and to connect to: a name or address, IPv6 without brackets.
  public let host: String
  /// 1…65535; 80 or 443 if the URL names none.
  public let port: Int
  /// Percent-encoded, begins with a slash.
  public let path: String
  /// What follows the question mark, percent-encoded.
  public let query: String?
  /// The socket to connect to instead of `host` and `port`, as it was written; nil for a network.
  public let unixPath: String?
  /// The value of `Host`: brackets around an IPv6 address, the port only if it is not the scheme's own.
  public let hostField: String

  /// The request target: path and query.
  public var target: String { query.map { "\(path)?\($0)" } ?? path }

  public init(_ text: String) throws(WebSocketURLError) {
    let bytes = Array(text.utf8)
    if let start = WebSocketURL.unixScheme(bytes) {
      self = try WebSocketURL(unix: bytes[start...])
      return
    }
    let (isSecure, start) = try WebSocketURL.scheme(bytes)
    guard !bytes.contains(UInt8(ascii: "#")) else { throw .fragment }
    let rest = bytes[start...]
    let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
    let authority = try WebSocketURL.authority(rest[..<end])
    let mark = rest.firstIndex(of: UInt8(ascii: "?"))
    let path = rest[end..<(mark ?? rest.endIndex)]
    let query = mark.map { rest[($0 + 1)...] }
    guard WebSocketURL.isEscaped(path), query.map(WebSocketURL.isEscaped) ?? true else { throw .unescaped }
    let ownPort = isSecure ? 443 : 80
    self.isSecure = isSecure
    unixPath = nil
    self.path = path.isEmpty ? "/" : Grammar.text(path)
    self.query = query.map { Grammar.text($0) }
    host = authority.host
    port = authority.port ?? ownPort
    let named = port == ownPort ? nil : port
    hostField = Authority(host: authority.host, isIPv6: authority.isIPv6, port: named).description
  }

  private static func unixScheme(_ bytes: [UInt8]) -> Int? {
    ["ws+unix://", "unix:"].first { Grammar.lowercased(bytes.prefix($0.utf8.count)) == $0 }?.utf8.count
  }

  /// The host is this machine, whatever it is called.
  private init(unix bytes: ArraySlice<UInt8>) throws(WebSocketURLError) {
    let colon = bytes.indices.dropLast().first {
      bytes[$0] == UInt8(ascii: ":") && bytes[$0 + 1] == UInt8(ascii: "/")
    }
    let file = bytes[..<(colon ?? bytes.endIndex)]
    guard !file.isEmpty, file.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .badSocket }
    guard file.count <= WebSocketURL.maxUnixPathByteCount else { throw .longSocket(byteCount: file.count) }
    let target = colon.map { bytes[($0 + 1)...] } ?? ArraySlice("/ws".utf8)
    guard !target.contains(UInt8(ascii: "#")) else { throw .fragment }
    let mark = target.firstIndex(of: UInt8(ascii: "?"))
    let query = mark.map { target[($0 + 1)...] }
    let path = target[..<(mark ?? target.endIndex)]
    guard WebSocketURL.isEscaped(path), query.map(WebSocketURL.isEscaped) ?? true else { throw .unescaped }
    (isSecure, host, port, hostField) = (false, "localhost", 80, "localhost")
    unixPath = String(decoding: file, as: UTF8.self)
    self.path = Grammar.text(path)
    self.query = query.map { Grammar.text($0) }
  }

  /// What the address of a Unix socket holds, its closing zero left out: sockaddr_un in unix(7).
  public static let maxUnixPathByteCount = 107

  private static func scheme(_ bytes: [UInt8]) throws(WebSocketURLError) -> (isSecure: Bool, end: Int) {
    let start = Grammar.lowercased(bytes.prefix(6))
    if start == "wss://" { return (true, 6) }
    if start.hasPrefix("ws://") { return (false, 5) }
    throw .scheme
  }

  private static func authority(_ bytes: ArraySlice<UInt8>) throws(WebSocketURLError) -> Authority {
    do throws(Authority.Fault) {
      return try Authority(bytes)
    } catch {
      switch error {
      case .userInfo: throw .userInfo
      case .emptyHost: throw .missingHost
      case .badHost: throw .badHost
      case .badPort: throw .badPort
      }
    }
  }

  /// Whether only characters of `pchar`, slashes and question marks are used, and each percent sign begins an
  /// escape: RFC 3986 sections 3.3 and 3.4.
  private static func isEscaped(_ bytes: ArraySlice<UInt8>) -> Bool {
    let legal = Array("!$&'()*+,;=:@/?".utf8)
    var rest = bytes
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard rest.count >= 2, rest.prefix(2).allSatisfy({ Grammar.hexValue($0) != nil }) else { return false }
      } else {
        guard Grammar.isUnreserved(byte) || legal.contains(byte) else { return false }
      }
    }
    return true
  }
}

extension WebSocketURL: CustomStringConvertible {
  /// Without the query, in which people put what must not be shown.
  public var description: String {
    if let unixPath { return "unix:\(unixPath)\(path == "/ws" ? "" : ":\(path)")" }
    return "\(isSecure ? "wss" : "ws")://\(hostField)\(path)"
  }
}

/// What is wrong with a URL. The texts do not repeat it, since it may hold a password.
public enum WebSocketURLError: Error, Sendable, Equatable, CustomStringConvertible {
  case scheme
  case userInfo
  case fragment
  case missingHost
  case badHost
  case badPort
  case unescaped
  case badSocket
  case longSocket(byteCount: Int)

  public var description: String {
    switch self {
    case .scheme: "the URL must begin with ws://, wss:// or unix:"
    case .userInfo: "a user name or password in the URL is not supported; pass the credential on its own"
    case .fragment: "a WebSocket URL has no fragment; write # as %23"
    case .missingHost: "the URL names no host"
    case .badHost: "malformed host in the URL: expected a name, an IPv4 address or an IPv6 address in brackets"
    case .badPort: "the port in the URL must be a number from 1 to 65535"
    case .badSocket: "unix: is followed by the path of a socket, and perhaps :/ and the path of the request"
    case .longSocket(let count):
      "the path of a Unix socket has at most \(WebSocketURL.maxUnixPathByteCount) bytes, this has \(count)"
    case .unescaped: "a character in the URL's path or query must be percent-encoded"
    }
  }
}
