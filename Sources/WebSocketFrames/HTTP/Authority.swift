/// A server and its port: `host [ ":" port ]` of RFC 3986 section 3.2.
public struct Authority: Sendable, Equatable, CustomStringConvertible {
  /// A name or an IPv4 address in lower case, or an IPv6 address without its brackets.
  public let host: String
  public let isIPv6: Bool
  /// 1…65535; nil if none was given.
  public let port: Int?

  enum Fault: Error {
    case userInfo
    case emptyHost
    case badHost
    case badPort
  }

  /// As it stands in a URL or in `Host`.
  public var description: String {
    let name = isIPv6 ? "[\(host)]" : host
    return port.map { "\(name):\($0)" } ?? name
  }

  init(host: String, isIPv6: Bool, port: Int?) {
    self.host = host
    self.isIPv6 = isIPv6
    self.port = port
  }

  /// Names are of letters, digits, hyphens, dots and underscores: what resolvers take.
  init(_ bytes: some BidirectionalCollection<UInt8>) throws(Fault) {
    guard !bytes.contains(UInt8(ascii: "@")) else { throw .userInfo }
    guard bytes.first == UInt8(ascii: "[") else {
      let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
      let name = bytes[..<colon]
      guard !name.isEmpty else { throw .emptyHost }
      guard name.count <= 253, name.allSatisfy({ Grammar.isUnreserved($0) && $0 != UInt8(ascii: "~") }) else {
        throw .badHost
      }
      self.init(host: Grammar.lowercased(name), isIPv6: false, port: try Authority.port(bytes[colon...]))
      return
    }
    guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { throw .badHost }
    let address = bytes[..<bracket].dropFirst()
    guard Authority.looksLikeIPv6(address) else { throw .badHost }
    let rest = bytes[bracket...].dropFirst()
    self.init(host: Grammar.lowercased(address), isIPv6: true, port: try Authority.port(rest))
  }

  /// Nothing, or a colon and a number.
  private static func port(_ bytes: some Collection<UInt8>) throws(Fault) -> Int? {
    guard let first = bytes.first else { return nil }
    guard first == UInt8(ascii: ":") else { throw .badHost }
    guard let port = Grammar.number(bytes.dropFirst()), 1...65_535 ~= port else { throw .badPort }
    return port
  }

  /// Its characters and colons; whether the address is one is for the resolver to say.
  private static func looksLikeIPv6(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.count <= 45 && bytes.count { $0 == UInt8(ascii: ":") } >= 2
      && bytes.allSatisfy { Grammar.hexValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
  }
}
