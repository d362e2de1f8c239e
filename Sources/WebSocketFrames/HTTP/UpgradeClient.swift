// The client's part of the opening handshake: RFC 6455 section 4.1.
extension Upgrade {
  /// Why a request cannot be written. Values are not repeated: they may be secret.
  public enum RequestError: Error, Sendable, Equatable, CustomStringConvertible {
    case badKey
    case badSubprotocol
    case badFieldName
    case badFieldValue(name: String)
    /// One of the fields that the handshake itself is made of.
    case reservedField(name: String)

    public var description: String {
      switch self {
      case .badKey: "the handshake key is not 16 bytes in base64"
      case .badSubprotocol: "a subprotocol's name must be made of letters, digits and !#$%&'*+-.^_`|~"
      case .badFieldName: "malformed header name"
      case .badFieldValue(let name): "control character in the value of the header \(name)"
      case .reservedField(let name): "the header \(name) is set by the handshake and cannot be given"
      }
    }
  }

  /// Why a response does not open a WebSocket connection.
  public enum ResponseError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Any status but 101, and how long to wait before another try if the server says so in seconds: at most a day.
    case refused(status: Int, retryAfterSeconds: Int?)
    case notAnUpgrade
    case wrongAccept
    case unwantedExtension
    case unwantedSubprotocol

    public var description: String {
      switch self {
      case .refused(let status, _):
        (300...399).contains(status)
          ? "the server answered with the redirect \(status), which is not followed"
          : "the server refused the connection with HTTP status \(status)"
      case .notAnUpgrade: "the server's answer 101 does not upgrade to WebSocket"
      case .wrongAccept: "the server's Sec-WebSocket-Accept does not answer our key"
      case .unwantedExtension: "the server chose an extension, or parameters of one, that was not offered"
      case .unwantedSubprotocol: "the server chose a subprotocol that was not offered"
      }
    }
  }

  /// The whole request. `key` is fresh for each connection (`Handshake.key(from:)`); `fields` are further header
  /// lines such as `Authorization`.
  /// - Parameter offersDeflate: offers permessage-deflate (RFC 7692).
  public static func request(
    _ url: WebSocketURL, key: String, subprotocols: [String] = [], fields: [HTTPField] = [], offersDeflate: Bool = false
  ) throws(RequestError) -> [UInt8] {
    guard Handshake.isWellFormed(key: key) else { throw .badKey }
    guard subprotocols.allSatisfy({ Grammar.isToken($0.utf8) }) else { throw .badSubprotocol }
    for field in fields { try check(field) }
    var lines = [
      HTTPField("Host", url.hostField), HTTPField("Upgrade", "websocket"), HTTPField("Connection", "Upgrade"),
      HTTPField("Sec-WebSocket-Key", key), HTTPField("Sec-WebSocket-Version", "13"),
    ]
    if !subprotocols.isEmpty {
      lines.append(HTTPField("Sec-WebSocket-Protocol", subprotocols.joined(separator: ", ")))
    }
    if offersDeflate { lines.append(HTTPField("Sec-WebSocket-Extensions", DeflateAgreement.offer)) }
    let text = (lines + fields).map { "\($0.name): \($0.value)\r\n" }.joined()
    return Array("GET \(url.target) HTTP/1.1\r\n\(text)\r\n".utf8)
  }

  private static func check(_ field: HTTPField) throws(RequestError) {
    guard Grammar.isToken(field.name.utf8) else { throw .badFieldName }
    guard field.isLegal else { throw .badFieldValue(name: field.name) }
    let name = Grammar.lowercased(field.name)
    let reserved = ["host", "upgrade", "connection", "content-length", "transfer-encoding"]
    guard !reserved.contains(name), !name.hasPrefix("sec-websocket-") else { throw .reservedField(name: field.name) }
  }

  /// What a server chose.
  public struct Chosen: Sendable, Equatable {
    public var subprotocol: String?
    public var deflate: DeflateAgreement?
  }

  /// Judges the response to a request with `key` that offered `subprotocols`, and permessage-deflate or not.
  public static func check(
    _ head: HTTPResponseHead, key: String, subprotocols: [String] = [], offeredDeflate: Bool = false
  ) throws(ResponseError) -> Chosen {
    let fields = head.fields
    guard head.status == 101 else {
      let wait = fields.values(of: "retry-after").first.flatMap { Grammar.number(Array($0.utf8)) }
      throw .refused(status: head.status, retryAfterSeconds: wait.map { min($0, 86_400) })
    }
    let upgrades = fields.elements(of: "upgrade").map { Grammar.lowercased($0) }
    guard head.isHTTP11, upgrades == ["websocket"], fields.contains("upgrade", in: "connection") else {
      throw .notAnUpgrade
    }
    let accepts = fields.values(of: "sec-websocket-accept")
    guard accepts.count == 1, let accept = accepts.first, Grammar.isSame(accept, Handshake.accept(forKey: key)) else {
      throw .wrongAccept
    }
    let deflate = try deflate(fields, wasOffered: offeredDeflate)
    let chosen = fields.values(of: "sec-websocket-protocol")
    guard let subprotocol = chosen.first else { return Chosen(deflate: deflate) }
    guard chosen.count == 1, subprotocols.contains(where: { Grammar.isSame($0, subprotocol) }) else {
      throw .unwantedSubprotocol
    }
    return Chosen(subprotocol: subprotocol, deflate: deflate)
  }

  /// An answer that was not asked for, or is not of RFC 7692 section 7.1, fails the connection.
  private static func deflate(
    _ fields: HTTPFields, wasOffered: Bool
  ) throws(ResponseError) -> DeflateAgreement? {
    guard let answer = ExtensionList(fields.values(of: "sec-websocket-extensions")) else { throw .unwantedExtension }
    guard let element = answer.elements.first else { return nil }
    guard wasOffered, answer.elements.count == 1, let agreement = DeflateAgreement(answer: element) else {
      throw .unwantedExtension
    }
    return agreement
  }
}
