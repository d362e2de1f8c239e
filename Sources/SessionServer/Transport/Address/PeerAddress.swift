import NIOCore

/// Where a connection comes from.
package enum PeerAddress: Sendable, Equatable, CustomStringConvertible {
  /// Without a port if whoever told of the address did not tell it.
  case internet(IPAddress, port: Int?)
  /// A program on this machine, over a Unix socket.
  case local
  case unknown

  /// As operators and authenticators see it.
  package var description: String {
    switch self {
    case .internet(let address, let port):
      guard let port else { return "\(address)" }
      return address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    case .local: return "unix"
    case .unknown: return "?"
    }
  }

  init(_ address: SocketAddress?) {
    switch address {
    case .unixDomainSocket: self = .local
    case .some(let address):
      guard let text = address.ipAddress, let parsed = IPAddress(text.prefix { $0 != "%" }) else {
        self = .unknown
        return
      }
      self = .internet(parsed, port: address.port)
    case nil: self = .unknown
    }
  }
}

/// Who may say for whom a connection is.
public struct ProxyTrust: Sendable, Equatable {
  /// The field in which such a proxy names its client.
  public enum Field: String, Sendable, CaseIterable {
    case xForwardedFor = "x-forwarded-for"
    /// RFC 7239.
    case forwarded
    case none
  }

  /// Addresses of proxies. Nobody else is believed anything.
  public var ranges: [AddressRange] = []
  /// Whether programs that connect over a Unix socket are proxies too.
  public var includesLocal = false
  /// Which field of a request is believed; one only, since a proxy that sets the one passes the other on as it came.
  public var field = Field.xForwardedFor
  /// Whether each connection begins with a PROXY header, version 2. Then none is taken from anybody but a proxy.
  public var expectsHeader = false

  public init() {}

  var isEmpty: Bool { ranges.isEmpty && !includesLocal }

  package func includes(_ peer: PeerAddress) -> Bool {
    switch peer {
    case .internet(let address, _): ranges.contains { $0.contains(address) }
    case .local: includesLocal
    case .unknown: false
    }
  }
}
