import SessionCore
import SessionServer
import Testing
import WebSocketFrames

@Suite("HTTPRouter")
struct HTTPRouterTests {
  private let router = HTTPRouter([
    .get("/v1/things", query: ["q"]) { .json(.string("things \($0.parameters["q"] ?? "-")")) },
    .get("/v1/things/{thing}") { .json(.string("thing \($0.captures[0])")) },
    .delete("/v1/things/{thing}") { .json(.string("gone \($0.captures[0])")) },
    .post("/v1/things") { .json(.string(String(decoding: $0.body, as: UTF8.self))) },
    .get("/v1/faults") { _ in throw HTTPFault(404, "thing.unknown", "no such thing") },
  ])

  private func head(_ line: String, _ fields: String = "") throws -> HTTPRequestHead {
    var parser = HTTPHeadParser<HTTPRequestHead>()
    let bytes = Array("\(line) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n".utf8)
    var offset = 0
    guard case .head(let head) = bytes.withUnsafeBytes({ parser.next($0, from: &offset) }) else {
      throw HTTPFault(400, "test", "not a head")
    }
    return head
  }

  private func answer(_ line: String, _ fields: String = "", body: String = "") async throws -> String {
    var call = try router.judge(try head(line, fields))
    call.request.body = Array(body.utf8)
    guard case .whole(let bytes) = await call.perform().body else { return "pieces" }
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  @Test(arguments: [
    ("GET /v1/things", "", "", #""things -""#), ("GET /v1/things?q=a%20b", "", "", #""things a b""#),
    ("GET /v1/things/a%2Fb", "", "", #""thing a/b""#), ("HEAD /v1/things/x", "", "", #""thing x""#),
    ("DELETE /v1/things/x", "", "", #""gone x""#),
    ("POST /v1/things", "Content-Type: application/json\r\nContent-Length: 2\r\n", "{}", #""{}""#),
    ("GET /v1/faults", "", "", #"{"error":"thing.unknown","message":"no such thing"}"#),
  ])
  func `a path and a method name a route`(
    _ line: String, _ fields: String, _ body: String, _ expected: String
  ) async throws {
    let said = try await answer(line, fields, body: body)
    #expect(said == expected)
  }

  @Test(arguments: [
    ("GET /", "", 404), ("GET /v1", "", 404), ("GET /v1/things/x/y", "", 404), ("PUT /v1/things", "", 405),
    ("POST /v1/things/x", "", 405), ("GET /v1/things/%zz", "", 400), ("GET /v1/things?q=%F0", "", 400),
    ("GET /v1/things?r", "", 400), ("GET /v1/things/x?q=1", "", 400),
    ("GET /v1/things", "Content-Length: 1\r\n", 413), ("GET /v1/things", "Transfer-Encoding: chunked\r\n", 501),
    ("POST /v1/things", "Content-Type: application/json\r\n", 411),
    ("POST /v1/things", "Content-Length: 2\r\n", 415),
    ("POST /v1/things", "Content-Length: 2\r\nContent-Type: text/json\r\n", 415),
    ("POST /v1/things", "Content-Length: 2\r\nContent-Type: application/json\r\nContent-Encoding: br\r\n", 415),
  ])
  func `anything else is refused before its content is read`(_ line: String, _ fields: String, _ status: Int) throws {
    let head = try head(line, fields)
    let fault = #expect(throws: HTTPFault.self) { try router.judge(head) }
    #expect(fault?.status == status)
  }

  @Test func `what can be done is told`() throws {
    let head = try head("PATCH /v1/things/x")
    let fault = #expect(throws: HTTPFault.self) { try router.judge(head) }
    #expect(fault?.fields == [HTTPField("Allow", "GET, HEAD, DELETE")])
  }

  @Test func `who may not ask learns nothing`() throws {
    let closed = HTTPRouter([]) { _ throws(HTTPFault) in throw HTTPFault(401, "auth.failed", "no") }
    let head = try head("GET /nothing")
    #expect(#expect(throws: HTTPFault.self) { try closed.judge(head) }?.status == 401)
  }
}

@Suite("AnswerMemory")
struct AnswerMemoryTests {
  private func count(_ number: Int) -> HTTPResponse { .json(.int(number)) }

  private func text(_ response: HTTPResponse) -> String {
    guard case .whole(let bytes) = response.body else { return "" }
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  @Test func `an answer is given again, to the same request only`() async throws {
    let memory = AnswerMemory(limit: 10, ttlMilliseconds: 600_000)
    #expect(text(try await memory.answer("a", [1]) { count(1) }) == "1")
    #expect(text(try await memory.answer("a", [1]) { count(2) }) == "1")
    let fault = await #expect(throws: HTTPFault.self) { _ = try await memory.answer("a", [2]) { count(3) } }
    #expect(fault?.status == 422)
    #expect(text(try await memory.answer("b", [2]) { count(4) }) == "4")
  }

  @Test func `only so many are kept, and only so long`() async throws {
    let memory = AnswerMemory(limit: 2, ttlMilliseconds: 600_000)
    let start = ContinuousClock.now
    for (number, key) in ["a", "b", "c"].enumerated() {
      _ = try await memory.answer(key, [1], now: start) { count(number) }
    }
    #expect(text(try await memory.answer("c", [1], now: start) { count(9) }) == "2")
    #expect(text(try await memory.answer("a", [1], now: start) { count(7) }) == "7")
    let later = start + .milliseconds(600_000)
    #expect(text(try await memory.answer("a", [1], now: later) { count(8) }) == "8")
  }

  @Test func `an answer that promises nothing is not kept`() async throws {
    let memory = AnswerMemory(limit: 2, ttlMilliseconds: 600_000)
    _ = try await memory.answer("a", [1]) { HTTPFault(503, "x", "x").response }
    #expect(text(try await memory.answer("a", [1]) { count(2) }) == "2")
  }
}

@Suite("EventPattern")
struct EventPatternTests {
  @Test func `a name, or a prefix`() {
    #expect(EventPattern("order.created") == .name("order.created"))
    #expect(EventPattern("order.*") == .prefix("order."))
    #expect(EventPattern("order*") == .prefix("order"))
    #expect(EventPattern("*") == .prefix(""))
    #expect(EventPattern("a.b.*")?.description == "a.b.*")
  }

  @Test(arguments: ["", ".", "Order", "a..b", "a.", "a*b", "**", ".*", "a b", "a.*.b", "ü"])
  func `anything else is none`(_ text: String) { #expect(EventPattern(text) == nil) }
}
