import SessionClient
import SessionCore
import WebSocketFrames

/// What a person can do when no connection could be made.
package enum ConnectAdvice {
  /// - Returns: the next step; nil where the reason is all that is known.
  package static func next(_ ending: ConnectionEnding, _ url: WebSocketURL) -> String? {
    switch ending {
    case .insecure(let fault): fault.advice
    case .connectFailed(let reason) where reason.contains("refused") || reason == "no such socket":
      if let path = url.unixPath {
        "Nothing listens there. Start it with: wscore serve --unix \(path)"
      } else {
        "Nothing listens on port \(url.port). Start it with: wscore serve --listen \(url.hostField)"
      }
    case .connectFailed(let reason) where reason.contains("not known"): "Check the name of the host in the URL."
    case .refused(401, _), .refused(403, _):
      "The credential belongs into --token-file; a proxy on the way may want another."
    case .closed(CloseCode.unauthenticated.rawValue, _, _):
      "Give a credential that the server knows with --token-file or WSCORE_TOKEN."
    case .refused(404, _): "Check the path in the URL; wscore serve has /ws unless --path names another."
    case .refused(503, _): "The server has all the connections that it takes, or it stops. Try again later."
    case .refused, .notWebSocket: "Check host and port in the URL: another program may listen there."
    case .connectFailed, .closed, .violation, .dropped: nil
    }
  }
}
