import SessionCore
import WebSocketFrames

/// A whole request, as a route gets it.
package struct HTTPRequest: Sendable {
  package var head: HTTPRequestHead
  /// What stands in the path where the route has a name in braces.
  package var captures: [String] = []
  /// Of the query; the last of several with one name.
  package var parameters: [String: String] = [:]
  package var body: [UInt8] = []

  /// A number from the query.
  package func count(_ name: String, in range: ClosedRange<Int> = 0...Int.max) throws(HTTPFault) -> Int? {
    guard let text = parameters[name] else { return nil }
    guard text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(text), range.contains(number) else {
      let most = range.upperBound == .max ? "" : " to \(range.upperBound)"
      throw .invalid("\(name) is a number from \(range.lowerBound)\(most)")
    }
    return number
  }

  /// A time from the query, 0 if it is not there.
  package func milliseconds(_ name: String) throws(HTTPFault) -> UInt64 {
    UInt64(try count(name, in: 0...86_400_000) ?? 0)
  }

  /// Most bytes of a reason.
  package static let maxReasonByteCount = 128

  /// Why a session is ended: for its client and the log.
  package func reason() throws(HTTPFault) -> String? {
    guard let reason = parameters["reason"] else { return nil }
    guard reason.utf8.count <= HTTPRequest.maxReasonByteCount else {
      throw .invalid("reason has at most \(HTTPRequest.maxReasonByteCount) bytes")
    }
    return reason
  }

  /// Of a path like `/v1/sessions/{session}`.
  package func session() throws(HTTPFault) -> SessionID {
    guard let sid = captures.first.flatMap({ SessionID($0) }) else { throw .invalid("not a session id") }
    return sid
  }
}

/// What a client gets for a request.
package struct HTTPResponse: Sendable {
  package typealias Writer = @Sendable ([UInt8]) async throws -> Void

  package enum Body: Sendable {
    case whole([UInt8])
    /// Written piece by piece, each when the one before is on its way; ends with the connection.
    case pieces(@Sendable (Writer) async throws -> Void)
  }

  package var status: Int
  package var contentType: String
  package var fields: [HTTPField] = []
  package var body: Body

  package static func json(_ value: JSONValue, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, contentType: "application/json", body: .whole(value.line))
  }

  static func text(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, contentType: "text/plain; charset=utf-8", body: .whole(Array((text + "\n").utf8)))
  }

  static func lines(_ write: @escaping @Sendable (Writer) async throws -> Void) -> HTTPResponse {
    HTTPResponse(status: 200, contentType: "application/x-ndjson", body: .pieces(write))
  }

  /// One line for each value, some hundred lines a piece.
  static func lines(_ values: [JSONValue]) -> HTTPResponse {
    lines { write in
      for start in stride(from: 0, to: values.count, by: 256) {
        try await write(values[start..<min(start + 256, values.count)].flatMap(\.line))
      }
    }
  }
}

/// A request that is not carried out: `{"error":"session.unknown","message":"no such session"}`.
package struct HTTPFault: Error, Equatable {
  package var status: Int
  /// A stable dotted name, for programs.
  package var code: String
  /// For people.
  package var message: String
  package var fields: [HTTPField] = []

  package init(_ status: Int, _ code: String, _ message: String, fields: [HTTPField] = []) {
    (self.status, self.code, self.message, self.fields) = (status, code, message, fields)
  }

  init(_ error: HTTPHeadError) { self.init(error.status, "request.malformed", error.text) }

  init(_ error: HTTPBodyError) {
    self.init(error.status, error == .tooLong ? "body.too_large" : "request.malformed", error.text)
  }

  static func invalid(_ message: String) -> HTTPFault { HTTPFault(400, "request.invalid", message) }

  static func unavailable(_ error: ProtocolError) -> HTTPFault {
    HTTPFault(503, error.code, error.message, fields: [HTTPField("Retry-After", "1")])
  }

  static let stopping = unavailable(ProtocolError("server.draining", "the server is going down", retry: .later))

  package var response: HTTPResponse {
    var response = HTTPResponse.json(
      .members(["error": .string(code), "message": .string(message)]), status: status)
    response.fields = fields
    return response
  }
}
