import SessionCore
import SessionServer
import WebSocketFrames

/// The server's answer: its head, and its content as it is read.
struct AdminAnswer: ~Copyable {
  let head: HTTPResponseHead
  private let socket: AdminSocket
  private var body: HTTPBodyReader
  /// Bytes that were read and not looked at.
  private var buffered: ArraySlice<UInt8>
  private var buffer: [UInt8]

  /// Reads the head.
  init(_ socket: consuming AdminSocket) throws(CLIError) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var parser = HTTPHeadParser<HTTPResponseHead>()
    var found: HTTPResponseHead?
    var rest: ArraySlice<UInt8> = []
    while found == nil {
      let count = try socket.read(into: &buffer)
      guard count > 0 else { throw Self.endedEarly(socket.path) }
      var offset = 0
      let event = buffer.withUnsafeBytes { parser.next(UnsafeRawBufferPointer(rebasing: $0[..<count]), from: &offset) }
      switch event {
      case .head(let head): found = head
      case .failed(let error): throw Self.foreign(socket.path, error.text)
      case .needsMore: break
      }
      rest = buffer[offset..<count]
    }
    guard let head = found else { throw Self.endedEarly(socket.path) }
    guard !head.fields.values(of: AdminServer.mark).isEmpty else {
      throw Self.foreign(socket.path, "the answer has no field \(AdminServer.mark)")
    }
    body = try Self.body(of: head, socket.path)
    self.head = head
    self.socket = socket
    self.buffer = buffer
    buffered = rest
  }

  /// As long as it likes: who reads it bounds what is kept.
  private static func body(of head: HTTPResponseHead, _ path: String) throws(CLIError) -> HTTPBodyReader {
    let framing: HTTPFraming
    do throws(HTTPHeadError.Problem) { framing = try head.framing() } catch { throw foreign(path, error.text) }
    do throws(HTTPBodyError) {
      return try HTTPBodyReader(framing, limits: HTTPBodyLimits(contentBytes: .max))
    } catch {
      throw foreign(path, error.text)
    }
  }

  static func foreign(_ path: String, _ why: String) -> CLIError {
    CLIError(
      "admin socket \(DisplayWidth.printable(path)): what answers is not wscore's admin server: \(why)",
      next: "Name the server's socket: --socket PATH", status: .protocolError)
  }

  private static func endedEarly(_ path: String) -> CLIError {
    CLIError(
      "admin socket \(DisplayWidth.printable(path)): the server closed the connection before its answer was complete",
      why: "It may be stopping.", next: "See its log, and try again.", status: .unavailable)
  }

  /// Lets what follows take as long as it likes.
  func waitWithoutEnd() { socket.waitWithoutEnd() }

  /// - Throws: `AdminClient.Refusal` with the server's words if the status is not 200…299.
  mutating func requireSuccess() throws {
    guard !(200...299 ~= head.status) else { return }
    let answer = try? object(limit: 65_536)
    let message = answer?["message"] ?? answer?["error"]
    throw AdminClient.Refusal(status: head.status, message: message?.stringValue ?? head.reason)
  }

  /// All of the content, which is one JSON value.
  mutating func object(limit: Int) throws -> JSONValue {
    var bytes: [UInt8] = []
    while let content = try next() {
      guard content.count <= limit - bytes.count else { throw Self.foreign(socket.path, "more than \(limit) bytes") }
      bytes += content
    }
    do throws(Malformed) { return try JSONValue(parsing: bytes) } catch {
      throw Self.foreign(socket.path, "not JSON: \(error.reason) at byte \(error.offset)")
    }
  }

  mutating func forEachLine(limit: Int, _ body: ([UInt8]) throws -> Void) throws {
    var splitter = LineSplitter(limit: limit)
    do {
      while let content = try next() { try splitter.take(content, body) }
      try splitter.finish(body)
    } catch is LineSplitter.TooLong {
      throw Self.foreign(socket.path, "a line of more than \(limit) bytes")
    }
  }

  /// More content, which may be empty; nil when all of it has come.
  private mutating func next() throws(CLIError) -> ArraySlice<UInt8>? {
    if body.isComplete { return nil }
    if buffered.isEmpty {
      // An empty slice too holds the buffer, which would then be copied before it is written to.
      buffered = []
      let count = try socket.read(into: &buffer)
      guard count > 0 else {
        guard body.mayEnd else { throw Self.endedEarly(socket.path) }
        return nil
      }
      buffered = buffer[..<count]
    }
    var offset = 0
    let event = buffered.withUnsafeBytes { body.next($0, from: &offset) }
    let start = buffered.startIndex
    defer { buffered = buffered.dropFirst(offset) }
    switch event {
    case .content(let range): return buffered[start + range.lowerBound..<start + range.upperBound]
    case .failed(let error): throw Self.foreign(socket.path, error.text)
    case .complete: return nil
    case .needsMore: return []
    }
  }
}
