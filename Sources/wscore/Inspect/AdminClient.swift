import SessionCore
import WebSocketFrames

/// Asks the admin server: HTTP/1.1 over its Unix socket, one request a connection. It blocks.
struct AdminClient {
  enum Method: String { case get = "GET", put = "PUT", delete = "DELETE" }

  /// The server's answer was not a success.
  struct Refusal: Error {
    /// HTTP's: 400…599.
    var status: Int
    /// The server's words.
    var message: String
  }

  /// A session has so many rooms and a room so many members that this is ample.
  static let mostDocumentBytes = 16 * 1_048_576

  var path: String
  /// The longest wait for a connection and for each next byte.
  var timeout: Duration

  /// Sends the request and reads the head of what comes back.
  /// - Throws: `CLIError` if there is no answer to be had.
  func ask(_ target: AdminTarget, _ method: Method = .get) throws(CLIError) -> AdminAnswer {
    let socket = try AdminSocket.connected(to: path, timeout: timeout)
    try socket.write(
      "\(method.rawValue) \(target) HTTP/1.1\r\nHost: localhost\r\nUser-Agent: wscore/\(WScore.version)\r\n"
        + "Accept: */*\r\nConnection: close\r\n\r\n")
    return try AdminAnswer(socket)
  }

  /// The one JSON object that the server answers with.
  /// - Throws: `CLIError`, or `Refusal` when the server says no.
  func object(_ target: AdminTarget, _ method: Method = .get) throws -> JSONValue {
    var answer = try ask(target, method)
    try answer.requireSuccess()
    return try answer.object(limit: Self.mostDocumentBytes)
  }

  /// Hands over each line of the answer as it comes. Holds one line at a time.
  /// - Parameter follows: whether the server may be silent for as long as it likes.
  /// - Throws: as `object`, and what `body` throws.
  func lines(_ target: AdminTarget, follows: Bool = false, _ body: ([UInt8]) throws -> Void) throws {
    var answer = try ask(target)
    try answer.requireSuccess()
    if follows { answer.waitWithoutEnd() }
    try answer.forEachLine(limit: 1_048_576, body)
  }

  /// Hands over each object of a list as it comes.
  func objects(_ target: AdminTarget, follows: Bool = false, _ body: (JSONValue) throws -> Void) throws {
    try lines(target, follows: follows) { line in
      let object: JSONValue
      do throws(Malformed) { object = try JSONValue(parsing: line) } catch {
        throw AdminAnswer.foreign(path, "a line is not JSON: \(error.reason)")
      }
      try body(object)
    }
  }
}
