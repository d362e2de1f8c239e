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

  func judge(_ head: HTTPRequestHead) -> RequestVerdict {
    if let refusal = head.refusalOfContent { return refuse(refusal, head) }
    switch head.path {
    case "/healthz": return health(head, isGood: true)
    case "/readyz": return health(head, isGood: !isDraining.load(ordering: .relaxed))
    case configuration.path:
      return judgeUpgrade(head, subprotocols: Services.subprotocols.map(\.name), deflate: configuration.deflate) { accepted in
        let version = Services.subprotocols.first { $0.name == accepted.subprotocol }?.version
        return .upgrade(accepted, version: version, credential: credential(head.fields))
      }
    case let path where path == configuration.rawEchoPath:
      // No shard tells such a connection that the server stops.
      guard !isDraining.load(ordering: .relaxed) else { return refuse(HTTPRefusal(503, "draining"), head) }
      // Whatever the client wants, so that all of it can be tried.
      return judgeUpgrade(head, subprotocols: [], deflate: DeflatePolicy(keepsContext: true)) { .echo($0) }
    default: return refuse(HTTPRefusal(404, "nothing is here; the WebSocket endpoint is \(configuration.path)"), head)
    }
  }

  func refuse(_ refusal: HTTPRefusal, _ head: HTTPRequestHead? = nil) -> RequestVerdict {
    .answer(status: refusal.status, refusal.bytes(omittingBody: head?.method == "HEAD"))
  }

  private func health(_ head: HTTPRequestHead, isGood: Bool) -> RequestVerdict {
    guard head.method == "GET" || head.method == "HEAD" else {
      return refuse(HTTPRefusal(405, "only GET is served here", fields: [HTTPField("Allow", "GET, HEAD")]), head)
    }
    return refuse(isGood ? HTTPRefusal(200, "ok") : HTTPRefusal(503, "draining"), head)
  }

  private func judgeUpgrade(
    _ head: HTTPRequestHead, subprotocols: [String], deflate: DeflatePolicy?,
    then verdict: (Upgrade.Accepted) -> RequestVerdict
  ) -> RequestVerdict {
    switch Upgrade.judge(head, subprotocols: subprotocols, deflate: deflate) {
    case .refused(let refusal): return refuse(refusal, head)
    case .accepted(let accepted):
      guard configuration.origins.allows(accepted.origin, host: head.authority) else {
        return refuse(Services.foreignOrigin)
      }
      guard !isFull else { return refuse(Services.full) }
      return verdict(accepted)
    }
  }

  static let foreignOrigin = HTTPRefusal(
    403, "pages of this origin are not allowed to connect; see wscore serve --allow-origin")

  static let full = HTTPRefusal(
    503, "the server has all the connections it can take", fields: [HTTPField("Retry-After", "5")])

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
