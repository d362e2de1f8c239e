/// Heads of responses, written.
public enum HTTPResponseWriter {
  /// The head of a response, its empty line included. Control characters in values become spaces, so that none can
  /// begin a line of its own; names are our own and not looked at.
  public static func head(_ status: Int, _ fields: [HTTPField]) -> [UInt8] {
    var bytes: [UInt8] = []
    // As much as the answer to an upgrade takes, and some more.
    bytes.reserveCapacity(256)
    bytes.append(contentsOf: "HTTP/1.1 \(status) \(reason(status))\r\n".utf8)
    for field in fields {
      bytes.append(contentsOf: field.name.utf8)
      bytes.append(contentsOf: ": ".utf8)
      let start = bytes.count
      bytes.append(contentsOf: field.value.utf8)
      for index in start..<bytes.count where !Grammar.isText(bytes[index]) { bytes[index] = Grammar.space }
      bytes.append(contentsOf: "\r\n".utf8)
    }
    bytes.append(contentsOf: "\r\n".utf8)
    return bytes
  }

  /// A part of a body whose length is not known before (RFC 9112 section 7.1); not empty, since that is its end.
  public static func chunk(_ bytes: [UInt8]) -> [UInt8] {
    precondition(!bytes.isEmpty, "an empty chunk ends the body")
    return Array(String(bytes.count, radix: 16).utf8) + [0x0D, 0x0A] + bytes + [0x0D, 0x0A]
  }

  /// The end of such a body.
  public static let lastChunk = Array("0\r\n\r\n".utf8)

  /// The words of RFC 9110 section 15; empty for a status that is not used here, which is legal.
  static func reason(_ status: Int) -> String {
    switch status {
    case 100: "Continue"
    case 101: "Switching Protocols"
    case 200: "OK"
    case 202: "Accepted"
    case 204: "No Content"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 426: "Upgrade Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}

/// A request turned down; the connection ends with the answer.
public struct HTTPRefusal: Error, Sendable, Equatable {
  public var status: Int
  /// Fields that the status asks for, such as `Allow` or `Retry-After`.
  public var fields: [HTTPField]
  /// For people; becomes the body.
  public var text: String

  public init(_ status: Int, _ text: String, fields: [HTTPField] = []) {
    self.status = status
    self.fields = fields
    self.text = text
  }

  public init(_ error: HTTPHeadError) {
    self.init(error.status, error.text)
  }

  /// The whole response, after which the connection is to be closed. A response to `HEAD` has no body
  /// (RFC 9110 section 9.3.2).
  public func bytes(omittingBody: Bool = false) -> [UInt8] {
    let body = Array((text + "\n").utf8)
    // Who sends `Upgrade` must name it in `Connection` (RFC 9110 section 7.8).
    let offersUpgrade = fields.contains { Grammar.lowercased($0.name) == "upgrade" }
    let common = [
      HTTPField("Connection", offersUpgrade ? "close, Upgrade" : "close"),
      HTTPField("Content-Type", "text/plain; charset=utf-8"),
      HTTPField("Content-Length", String(body.count)),
    ]
    return HTTPResponseWriter.head(status, fields + common) + (omittingBody ? [] : body)
  }
}
