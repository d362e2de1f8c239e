import WebSocketFrames

/// From which pages a browser may connect. Other clients send no `Origin` and are always let in: it protects a
/// browser's user from foreign pages, not the server from clients (RFC 6455 section 10.2).
public enum OriginPolicy: Sendable, Equatable {
  case any
  /// Pages of the host that the request names, whatever their port; `localhost` and `127.0.0.1` are one host.
  case sameHost
  /// These origins, such as `https://example.com`, and no others.
  case only([String])

  package func allows(_ origin: String?, host: Authority) -> Bool {
    guard let origin else { return true }
    switch self {
    case .any: return true
    case .only(let origins): return origins.contains { $0.lowercased() == origin.lowercased() }
    case .sameHost:
      guard let end = origin.firstRange(of: "://") else { return false }
      // A URL of ours has the same form behind its scheme, so its reader is the one for this.
      guard let url = try? WebSocketURL("ws://" + origin[end.upperBound...]) else { return false }
      return url.host == host.host || OriginPolicy.isThisMachine(url.host) && OriginPolicy.isThisMachine(host.host)
    }
  }

  /// The names of the machine itself are one host: a page of `localhost` may connect to `127.0.0.1`.
  private static func isThisMachine(_ host: String) -> Bool {
    host == "localhost" || host == "127.0.0.1" || host == "::1" || host == "[::1]"
  }
}
