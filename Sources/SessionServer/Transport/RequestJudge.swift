import Synchronization
import SessionCore
import WebSocketFrames

/// What is to be done with a request on the public port.
enum RequestVerdict {
  /// A whole response; the connection ends with it.
  case answer(status: Int, [UInt8])
  case upgrade(Upgrade.Accepted, version: UInt64?, credential: Secret?)
  /// Every message goes back as it came.
  case echo(Upgrade.Accepted)
}

extension Services {
  /// The best first.
  private static let subprotocols: [(name: String, version: UInt64)] = [("wscore.v2.json", 2), ("wscore.v1.json", 1)]

  func judge(_ head: HTTPRequestHead, from peer: PeerAddress) -> RequestVerdict {
    if let refusal = head.refusalOfContent { return refuse(refusal, head) }
    switch head.path {
    case "/healthz": return health(head, fault: nil)
    case "/readyz": return health(head, fault: unreadiness)
    default:
      return configuration.answers(to: head.authority, from: peer) ? judgeNamed(head) : refuse(foreignHost(), head)
    }
  }

  private func judgeNamed(_ head: HTTPRequestHead) -> RequestVerdict {
    switch head.path {
    case configuration.path:
      return judgeUpgrade(head, subprotocols: Services.subprotocols.map(\.name), deflate: configuration.deflate) { accepted in
        let version = Services.subprotocols.first { $0.name == accepted.subprotocol }?.version
        return .upgrade(accepted, version: version, credential: credential(head.fields))
      }
    case let path where path == configuration.rawEchoPath:
      // No shard tells such a connection that the server stops.
      guard !isDraining.load(ordering: .relaxed) else { return refuse(Services.come(later: "draining"), head) }
      // Whatever the client wants, so that all of it can be tried.
      return judgeUpgrade(head, subprotocols: [], deflate: DeflatePolicy(keepsContext: true)) { .echo($0) }
    default: return refuse(HTTPRefusal(404, "nothing is here; the WebSocket endpoint is \(configuration.path)"), head)
    }
  }

  func refuse(_ refusal: HTTPRefusal, _ head: HTTPRequestHead? = nil) -> RequestVerdict {
    .answer(status: refusal.status, refusal.bytes(omittingBody: head?.method == "HEAD"))
  }

  private func health(_ head: HTTPRequestHead, fault: String?) -> RequestVerdict {
    guard head.method == "GET" || head.method == "HEAD" else {
      return refuse(HTTPRefusal(405, "only GET is served here", fields: [HTTPField("Allow", "GET, HEAD")]), head)
    }
    return refuse(fault.map { HTTPRefusal(503, $0) } ?? HTTPRefusal(200, "ok"), head)
  }

  private func judgeUpgrade(
    _ head: HTTPRequestHead, subprotocols: [String], deflate: DeflatePolicy?,
    then verdict: (Upgrade.Accepted) -> RequestVerdict
  ) -> RequestVerdict {
    switch Upgrade.judge(head, subprotocols: subprotocols, deflate: deflate) {
    case .refused(let refusal): return refuse(refusal, head)
    case .accepted(let accepted):
      guard configuration.origins.allows(accepted.origin, host: head.authority) else {
        return refuse(foreignOrigin())
      }
      guard !isFull else { return refuse(full()) }
      return verdict(accepted)
    }
  }

  // MARK: Limits

  func foreignOrigin() -> HTTPRefusal {
    limits.count(.origin)
    return HTTPRefusal(403, "pages of this origin are not allowed to connect; see wscore serve --allow-origin")
  }

  /// RFC 9110 section 15.5.20. What the request called us is not repeated: it is the peer's text.
  func foreignHost() -> HTTPRefusal {
    limits.count(.host)
    return HTTPRefusal(421, "this server does not answer to the name in Host; see wscore serve --allow-host")
  }

  func full() -> HTTPRefusal {
    limits.count(.connections)
    return Services.come(later: "the server has all the connections it can take")
  }

  /// `Visitor` has counted it.
  static func crowded() -> HTTPRefusal { come(later: "this address has all the connections that one may have") }

  /// Those that are turned away together do not come back together.
  static func come(later text: String) -> HTTPRefusal {
    var random = SystemRandomNumberGenerator()
    let seconds = Int.random(in: 2...10, using: &random)
    return HTTPRefusal(503, text, fields: [HTTPField("Retry-After", String(seconds))])
  }

  func note(_ error: HTTPHeadError) {
    switch error.problem {
    case .headTooLong, .startLineTooLong: limits.count(.headerBytes)
    case .tooManyFields: limits.count(.headerFields)
    default: break
    }
  }

  /// The request did not arrive in time.
  func late() -> HTTPRefusal {
    limits.count(.requestTime)
    return HTTPRefusal(408, "the request did not arrive in time")
  }

  /// What stands in the configured field, else in `Authorization: Bearer`. A field that comes twice counts as absent.
  func credential(_ fields: HTTPFields) -> Secret? {
    if let name = configuration.credentialHeader {
      let values = fields.values(of: name)
      if values.count == 1, let value = values.first, !value.isEmpty { return Secret(String(value)) }
    }
    return fields.bearer
  }
}

extension HTTPFields {
  /// `Authorization: Bearer` (RFC 6750 section 2.1); case does not matter in the scheme's name (RFC 9110 section 11.1).
  var bearer: Secret? {
    let values = values(of: "authorization")
    guard values.count == 1, let value = values.first, value.utf8.count > 7,
      value.prefix(7).lowercased() == "bearer "
    else { return nil }
    return Secret(String(value.dropFirst(7).drop { $0 == " " }))
  }
}
