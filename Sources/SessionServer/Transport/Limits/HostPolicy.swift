import NIOCore
import WebSocketFrames

/// Under which names of it a server may be asked (`Host`). A page whose name is made to point to this machine speaks to
/// a server here as if it were its own: the browser sends that name, and `Origin` does not differ from it.
public enum HostPolicy: Sendable, Equatable {
  /// A server that listens on this machine's own address alone, with no proxy in front of it, answers to the names of
  /// this machine; any other answers to all names. So does a Unix socket, to which no browser can be led.
  case automatic
  case any
  /// These names and addresses, in lower case, without ports and brackets.
  case only([String])
}

extension ServerConfiguration {
  /// Whether a request of `peer` may be meant for us.
  package func answers(to authority: Authority, from peer: PeerAddress) -> Bool {
    switch hosts {
    case .any: true
    case .only(let names): names.contains(authority.host)
    case .automatic:
      peer == .local || !listensOnLoopback || !proxies.isEmpty || authority.host == host.lowercased()
        || ServerConfiguration.isThisMachine(authority.host)
    }
  }

  private var listensOnLoopback: Bool { resolvesToLoopback || ServerConfiguration.isThisMachine(host.lowercased()) }

  /// Finds out whether `host` is this machine's own address however it is spelled (`127.1`, a name of `/etc/hosts`).
  mutating func resolveHost() {
    guard listensOnNetwork, let address = try? SocketAddress.makeAddressResolvingHost(host, port: port) else { return }
    resolvesToLoopback = address.ipAddress.flatMap { IPAddress($0) }?.isLoopback == true
  }

  private static func isThisMachine(_ host: String) -> Bool {
    // Names below localhost are this machine's as well (RFC 6761 section 6.3).
    host == "localhost" || host.hasSuffix(".localhost") || IPAddress(host)?.isLoopback == true
  }
}
