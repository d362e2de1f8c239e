import WebSocketFrames

/// From which pages a browser may connect. Other clients send no `Origin` and are always let in: it protects a
/// browser's user from foreign pages, not the server from clients (RFC 6455 section 10.2).
public enum OriginPolicy: Sendable, Equatable {
  case any
  /// Pages of the host that the request names, whatever their port.
  case sameHost
  /// These origins, such as `https://example.com`, and no others.
  case only([String])

  func allows(_ origin: String?, host: Authority) -> Bool {
    guard let origin else { return true }
    switch self {
    case .any: return true
    case .only(let origins): return origins.contains { $0.lowercased() == origin.lowercased() }
    case .sameHost:
      guard let end = origin.firstRange(of: "://") else { return false }
      // A URL of ours has the same form behind its scheme, so its reader is the one for this.
      guard let url = try? WebSocketURL("ws://" + origin[end.upperBound...]) else { return false }
      return url.host == host.host
    }
  }
}
