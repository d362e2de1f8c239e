import SessionCore
import WebSocketFrames

/// What is to be done with a request for the path of event streams.
enum EventRequest {
  /// The connection ends with the answer.
  case refused(HTTPRefusal)
  /// A browser asks what a page of another origin may do.
  case preflight
  /// Opens a stream; the content, if there is any, is its first messages.
  case stream
  /// The content is messages for this channel, nil if there can be none of the name.
  case messages(EventChannel?)
}

extension Services {
  private static let contentTypes = ["application/json", "application/x-ndjson", "application/jsonl"]
  private static let methods = "GET, POST, OPTIONS"

  func judgeEvents(_ head: HTTPRequestHead, from peer: PeerAddress) -> EventRequest {
    guard configuration.answers(to: head.authority, from: peer) else { return .refused(foreignHost()) }
    let origins = head.fields.values(of: "origin")
    guard origins.count <= 1 else { return .refused(HTTPRefusal(400, "more than one Origin")) }
    guard configuration.origins.allows(origins.first, host: head.authority) else {
      return .refused(foreignOrigin())
    }
    if head.method == "POST" { return judgePost(head) }
    if let refusal = head.refusalOfContent { return .refused(refusal) }
    switch head.method {
    case "OPTIONS": return .preflight
    case "GET": return judgeStream(head)
    default:
      let allow = HTTPField("Allow", Services.methods)
      return .refused(HTTPRefusal(405, "only GET and POST are served here", fields: [allow]))
    }
  }

  private func judgePost(_ head: HTTPRequestHead) -> EventRequest {
    if head.framing != .none, !Services.isJSON(head) {
      return .refused(HTTPRefusal(415, "messages are JSON: send Content-Type: application/json"))
    }
    guard head.fields.values(of: "content-encoding").isEmpty else {
      return .refused(HTTPRefusal(415, "encoded content is not taken"))
    }
    let names = head.fields.values(of: EventChannel.fieldName)
    guard let name = names.first else { return judgeStream(head) }
    guard names.count == 1 else {
      return .refused(HTTPRefusal(400, "more than one \(EventChannel.fieldName)"))
    }
    return .messages(EventChannel(name: name))
  }

  private static func isJSON(_ head: HTTPRequestHead) -> Bool {
    let types = head.fields.values(of: "content-type")
    guard types.count == 1, let type = types[0].split(whereSeparator: { $0 == ";" || $0 == " " }).first else { return false }
    return contentTypes.contains(type.lowercased())
  }

  private func judgeStream(_ head: HTTPRequestHead) -> EventRequest {
    if isDraining.load(ordering: .relaxed) {
      return .refused(Services.come(later: "draining"))
    }
    return isFull ? .refused(full()) : .stream
  }

  /// What lets a browser show our answers to the page that asked. The origin is one that is allowed; no cookies are
  /// spoken of, as none are used.
  func sharingFields(_ head: HTTPRequestHead?) -> [HTTPField] {
    guard let head, let origin = head.fields.values(of: "origin").first,
      configuration.origins.allows(origin, host: head.authority)
    else { return [] }
    return [HTTPField("Access-Control-Allow-Origin", origin), HTTPField("Vary", "Origin")]
  }

  static let preflightFields = [
    HTTPField("Access-Control-Allow-Methods", "GET, POST"),
    HTTPField("Access-Control-Allow-Headers", "Authorization, Content-Type, \(EventChannel.fieldName)"),
    HTTPField("Access-Control-Max-Age", "600"),
  ]

  /// Of an answer whose content is events, which ends with the connection: a proxy is not to keep or to collect them.
  static let streamFields = [
    HTTPField("Content-Type", "text/event-stream"), HTTPField("Cache-Control", "no-store"),
    HTTPField("X-Accel-Buffering", "no"), HTTPField("Connection", "close"),
  ]
}
