import SessionCore
import WebSocketFrames

/// Who is at the other end of a socket, as far as is known, and its place among the connections of its address.
struct Visitor {
  var peer = PeerAddress.unknown
  private var ticket: AddressTicket?

  enum Verdict {
    case welcome
    /// One of too many from its address.
    case refused
    /// The same, and there is no place to tell it either.
    case cut
  }

  /// The socket is there. Connections of proxies are counted when it is known for whom they are.
  mutating func arrive(_ services: Services, now: Instant) -> Verdict {
    services.configuration.proxies.includes(peer) ? .welcome : enter(peer, services, now: now)
  }

  /// A request is to become a connection for the client that it names.
  mutating func admit(_ fields: HTTPFields, _ services: Services, now: Instant) -> (client: PeerAddress, isWelcome: Bool) {
    let proxies = services.configuration.proxies
    let client = proxies.client(fields, from: peer)
    guard ticket == nil, !proxies.includes(client) else { return (client, true) }
    if case .welcome = enter(client, services, now: now) { return (client, true) }
    return (client, false)
  }

  mutating func leave() { ticket = nil }

  private mutating func enter(_ address: PeerAddress, _ services: Services, now: Instant) -> Verdict {
    guard let ledger = services.addresses, case .internet(let address, _) = address else { return .welcome }
    switch ledger.enter(address, now: now) {
    case .welcome(let ticket):
      self.ticket = ticket
      return .welcome
    case .refused(let limit, let ticket):
      self.ticket = ticket
      services.limits.count(limit)
      return .refused
    case .cut(let limit):
      services.limits.count(limit)
      return .cut
    }
  }
}
