import NIOCore
import WebSocketFrames

/// The PROXY header at the front of a connection, as it comes. A connection that does not begin with one, or comes from
/// somebody who is no proxy, is closed without a word: there is no protocol yet in which to say it.
struct ProxyGreeting {
  enum Outcome {
    case needsMore
    /// The connection is for this peer; what followed the header is the first that it says.
    case passed(PeerAddress, rest: [UInt8])
    case refused
  }

  private let services: Services
  private let peer: PeerAddress
  private var input: [UInt8] = []

  /// Nil if the peer is no proxy, which was counted.
  init?(from peer: PeerAddress, _ services: Services) {
    (self.services, self.peer) = (services, peer)
    guard services.configuration.proxies.includes(peer) else {
      note("not from an address that --trusted-proxy names")
      return nil
    }
  }

  mutating func take(_ bytes: some Sequence<UInt8>) -> Outcome {
    input += bytes
    switch ProxyHeader.read(input[...]) {
    case .needsMore: return .needsMore
    case .malformed(let reason):
      note("\(reason)")
      return .refused
    case .header(let client, let byteCount): return .passed(client ?? peer, rest: Array(input[byteCount...]))
    }
  }

  func isLate() { note("it did not arrive in time") }

  private func note(_ reason: String) {
    services.limits.count(.proxyHeader)
    services.logger.debug("PROXY header refused", metadata: ["reason": "\(reason)", "remote": "\(peer)"])
  }
}
