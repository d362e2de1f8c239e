/// The opening handshake of RFC 6455 section 4; here the server's part (4.2).
public enum Upgrade {
  /// A request that may be answered with 101, if its origin and path suit the server.
  public struct Accepted: Sendable, Equatable {
    /// The value of `Sec-WebSocket-Accept`.
    public let accept: String
    /// The subprotocol to speak; nil if the client offered none that we do.
    public let subprotocol: String?
    /// The value of `Origin`, which browsers send; nil if it is missing. For the server to judge (section 10.2).
    public let origin: String?
    /// What was agreed of permessage-deflate; nil if messages go as they are.
    public let deflate: DeflateAgreement?

    /// The whole response, after which frames follow.
    public func response() -> [UInt8] {
      var fields = [
        HTTPField("Upgrade", "websocket"), HTTPField("Connection", "Upgrade"),
        HTTPField("Sec-WebSocket-Accept", accept),
      ]
      if let subprotocol { fields.append(HTTPField("Sec-WebSocket-Protocol", subprotocol)) }
      if let deflate { fields.append(HTTPField("Sec-WebSocket-Extensions", deflate.response)) }
      return HTTPResponseWriter.head(101, fields)
    }
  }

  public enum Verdict: Sendable, Equatable {
    case accepted(Accepted)
    case refused(HTTPRefusal)
  }

  /// Judges a request as section 4.2.1 asks. `subprotocols` are those that we speak, the best first: the first
  /// that the client offered too is chosen. Without `deflate`, and of any other extension, offers are passed over.
  public static func judge(
    _ head: HTTPRequestHead, subprotocols: [String], deflate: DeflatePolicy? = nil
  ) -> Verdict {
    if let refusal = refusal(head) { return .refused(refusal) }
    let keys = head.fields.values(of: "sec-websocket-key")
    guard keys.count == 1, let key = keys.first, Handshake.isWellFormed(key: key) else {
      return .refused(HTTPRefusal(400, "Sec-WebSocket-Key must be given once and be 16 bytes in base64"))
    }
    let origins = head.fields.values(of: "origin")
    guard origins.count <= 1 else { return .refused(HTTPRefusal(400, "more than one Origin")) }
    guard let extensions = ExtensionList(head.fields.values(of: "sec-websocket-extensions")) else {
      return .refused(HTTPRefusal(400, "malformed Sec-WebSocket-Extensions"))
    }
    let offered = head.fields.elements(of: "sec-websocket-protocol")
    let chosen = subprotocols.first { ours in offered.contains { Grammar.isSame($0, ours) } }
    return .accepted(
      Accepted(
        accept: Handshake.accept(forKey: key), subprotocol: chosen, origin: origins.first,
        deflate: deflate?.answer(extensions)))
  }

  /// What is wrong with a request apart from its key.
  private static func refusal(_ head: HTTPRequestHead) -> HTTPRefusal? {
    // What follows the head is frames: a body there that another reader sees and we do not would be smuggling.
    if let refusal = head.refusalOfContent { return refusal }
    let fields = head.fields
    guard head.method == "GET" else {
      return HTTPRefusal(405, "only GET is served here", fields: [HTTPField("Allow", "GET")])
    }
    let version = HTTPField("Sec-WebSocket-Version", "13")
    guard fields.contains("websocket", in: "upgrade") else {
      return HTTPRefusal(
        426, "this is a WebSocket server: the request must have Upgrade: websocket",
        fields: [HTTPField("Upgrade", "websocket"), version])
    }
    guard fields.contains("upgrade", in: "connection") else {
      return HTTPRefusal(400, "Upgrade without Connection: Upgrade; a proxy may have dropped it")
    }
    guard fields.values(of: "sec-websocket-version") == ["13"] else {
      return HTTPRefusal(
        426, "only version 13 of WebSocket is spoken here", fields: [HTTPField("Upgrade", "websocket"), version])
    }
    return nil
  }
}
