import Testing

import WebSocketFrames

/// What became of a head, and the bytes behind it.
enum HeadOutcome: Equatable {
  case request(method: String, path: String, query: String?, authority: String, fields: [HTTPField])
  case response(status: Int, reason: String, fields: [HTTPField])
  case failed(HTTPHeadError.Problem, line: Int)
  case unfinished
}

/// Feeds `bytes` in pieces of `size`; the second part is what the parser left for whoever reads on.
func readHead<Head: HTTPHead>(
  _: Head.Type, _ bytes: [UInt8], size: Int = .max, limits: HTTPHeadLimits = HTTPHeadLimits()
) -> (HTTPHeadEvent<Head>, rest: [UInt8]) {
  var parser = HTTPHeadParser<Head>(limits: limits)
  var start = 0
  while start < bytes.count {
    let end = size > bytes.count - start ? bytes.count : start + size
    var offset = 0
    let event = bytes[start..<end].withUnsafeBytes { parser.next($0, from: &offset) }
    if case .needsMore = event {
      if offset != end - start { Issue.record("\(offset) of \(end - start) bytes were taken without an event") }
    } else {
      return (event, Array(bytes[(start + offset)...]))
    }
    start = end
  }
  return (.needsMore, [])
}

func request(_ text: String, size: Int = .max, limits: HTTPHeadLimits = HTTPHeadLimits()) -> HeadOutcome {
  switch readHead(HTTPRequestHead.self, Array(text.utf8), size: size, limits: limits).0 {
  case .head(let head):
    .request(
      method: head.method, path: head.path, query: head.query, authority: head.authority.description,
      fields: head.fields.lines)
  case .failed(let error): .failed(error.problem, line: error.line)
  case .needsMore: .unfinished
  }
}

func response(_ text: String, size: Int = .max) -> HeadOutcome {
  switch readHead(HTTPResponseHead.self, Array(text.utf8), size: size).0 {
  case .head(let head): .response(status: head.status, reason: head.reason, fields: head.fields.lines)
  case .failed(let error): .failed(error.problem, line: error.line)
  case .needsMore: .unfinished
  }
}

private let sizes = [1, 2, 3, 7, 16, Int.max]

@Suite struct HTTPHeadTests {
  @Test(arguments: sizes)
  func aRequestReadsTheSameInEverySegmentation(size: Int) {
    let text =
      "\r\nGET /chat/a%20b?room=x&y=?z HTTP/1.1\r\nHost: Example.COM:8080\r\nX-Empty:\r\nX-Blank: \t a\tb \t\r\n"
      + "x-name!#$%&'*+-.^_`|~9:\u{e9}\r\n\r\n"
    #expect(
      request(text, size: size)
        == .request(
          method: "GET", path: "/chat/a%20b", query: "room=x&y=?z", authority: "example.com:8080",
          fields: [
            HTTPField("host", "Example.COM:8080"), HTTPField("x-empty", ""), HTTPField("x-blank", "a\tb"),
            HTTPField("x-name!#$%&'*+-.^_`|~9", "\u{e9}"),
          ]))
  }

  @Test(arguments: sizes)
  func whatIsBehindTheHeadIsLeft(size: Int) {
    let frames = client(.text, Array("early\r\n\r\n".utf8))
    let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8) + frames
    let (event, rest) = readHead(HTTPRequestHead.self, bytes, size: size)
    guard case .head = event else {
      Issue.record("\(event)")
      return
    }
    #expect(rest == frames)
  }

  @Test func afterTheHeadNothingIsTaken() {
    var parser = HTTPHeadParser<HTTPRequestHead>()
    let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore".utf8)
    var offset = 0
    for _ in 0..<3 { _ = bytes.withUnsafeBytes { parser.next($0, from: &offset) } }
    #expect(offset == bytes.count - 4)
  }

  static let refused: [(String, HTTPHeadError.Problem, line: Int)] = [
    ("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed, 1),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed, 2),
    ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed, 3),
    ("\nGET / HTTP/1.1\r\n", .bareLineFeed, 1),
    ("GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn, 1),
    ("GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n", .bareCarriageReturn, 2),
    ("GET / HTTP/1.1\r\nHost: a\r\r\n", .bareCarriageReturn, 2),
    ("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", .controlCharacter, 2),
    ("GET / HTTP/1.1\r\nHost: a\u{7f}\r\n\r\n", .controlCharacter, 2),
    ("\u{16}\u{3}\u{1}", .controlCharacter, 1),
    ("SSH-2.0-OpenSSH\r\n", .badStartLine, 1),
    ("\r\n\r\n", .badStartLine, 2),
    ("GET /\r\n", .badStartLine, 1),
    ("GET  / HTTP/1.1\r\n", .badStartLine, 1),
    ("GET / HTTP/1.1 \r\n", .badStartLine, 1),
    (" GET / HTTP/1.1\r\n", .badStartLine, 1),
    ("GET\t/\tHTTP/1.1\r\n", .badStartLine, 1),
    ("G(T / HTTP/1.1\r\n", .badStartLine, 1),
    ("GET / http/1.1\r\n", .badStartLine, 1),
    ("GET / HTTP/1.10\r\n", .badStartLine, 1),
    ("GET / HTTP/1.x\r\n", .badStartLine, 1),
    ("GET / HTTP/1.0\r\n", .badVersion, 1),
    ("PRI * HTTP/2.0\r\n", .badVersion, 1),
    ("CONNECT a:443 HTTP/1.1\r\n", .connectMethod, 1),
    ("GET chat HTTP/1.1\r\n", .badTarget, 1),
    ("GET * HTTP/1.1\r\n", .badTarget, 1),
    ("GET /a#b HTTP/1.1\r\n", .badTarget, 1),
    ("GET /\u{e9} HTTP/1.1\r\n", .badTarget, 1),
    ("GET ftp://a/ HTTP/1.1\r\n", .badTarget, 1),
    ("GET http://u@a/ HTTP/1.1\r\n", .badTarget, 1),
    ("GET http:///a HTTP/1.1\r\n", .badTarget, 1),
    ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", .foldedLine, 3),
    ("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", .foldedLine, 2),
    ("GET / HTTP/1.1\r\nHost\r\n\r\n", .missingColon, 2),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .blankBeforeColon, 2),
    ("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", .blankBeforeColon, 2),
    ("GET / HTTP/1.1\r\n: a\r\n\r\n", .badFieldName, 2),
    ("GET / HTTP/1.1\r\nH\u{f6}st: a\r\n\r\n", .badFieldName, 2),
    ("GET / HTTP/1.1\r\nHo st: a\r\n\r\n", .badFieldName, 2),
    ("GET / HTTP/1.1\r\n\r\n", .missingHost, 2),
    ("GET http://a/ HTTP/1.1\r\n\r\n", .missingHost, 2),
    ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", .repeatedHost, 4),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .badHost, 3),
    ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .badHost, 3),
    ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .badHost, 3),
    ("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", .badHost, 3),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .badHost, 3),
    ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .badHost, 3),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", .transferEncoding, 4),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .transferEncoding, 4),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", .transferEncoding, 4),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .transferEncoding, 4),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", .transferEncoding, 4),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncoding, 5),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", .conflictingLengths, 5),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n", .conflictingLengths, 5),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", .badContentLength, 5),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", .badContentLength, 4),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3 3\r\n\r\n", .badContentLength, 4),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", .badContentLength, 5),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n", .badContentLength, 4),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n", .badContentLength, 4),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", .badContentLength, 4),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .badContentLength, 4),
  ]

  @Test(arguments: refused.indices, sizes)
  func badRequestsAreRefusedAtTheirLine(index: Int, size: Int) {
    let (text, problem, line) = Self.refused[index]
    #expect(request(text, size: size) == .failed(problem, line: line), "\(text.debugDescription)")
  }

  @Test(arguments: [
    ("http://Host.example/a?b", "/a", "b", "host.example"), ("HTTPS://h:1", "/", nil, "h:1"),
    ("http://[::1]:80?", "/", "", "[::1]:80"), ("//x", "//x", nil, "a"),
  ])
  func absoluteTargets(target: String, path: String, query: String?, authority: String) {
    #expect(
      request("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        == .request(
          method: "GET", path: path, query: query, authority: authority, fields: [HTTPField("host", "a")]))
  }

  @Test(arguments: [
    ("", HTTPFraming.none, nil), ("Content-Length: 0\r\n", .none, nil), ("Content-Length: 3\r\n", .length(3), 413),
    ("Content-Length: 003\r\n", .length(3), 413), ("Transfer-Encoding: Chunked\r\n", .chunked, 501),
  ] as [(String, HTTPFraming, Int?)])
  func theContentIsAnnounced(fields: String, framing: HTTPFraming, refusal: Int?) {
    let text = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\(fields)\r\n"
    guard case .head(let head) = readHead(HTTPRequestHead.self, Array(text.utf8)).0 else {
      Issue.record("not read")
      return
    }
    #expect(head.framing == framing && head.refusalOfContent?.status == refusal)
    #expect(head.expectsContinue == (framing != .none) && head.keepsConnection)
  }

  @Test func otherRequestsWithoutContentAreRead() {
    let fields = [HTTPField("host", "a"), HTTPField("content-length", "0")]
    for (method, path) in [("DELETE", "/v1/sessions/s_1"), ("OPTIONS", "*"), ("POST", "/")] {
      #expect(
        request("\(method) \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
          == .request(method: method, path: path, query: nil, authority: "a", fields: fields))
    }
  }

  @Test(arguments: sizes)
  func limitsHoldToTheByte(size: Int) {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n"
    let outcome = { (bytes: Int, fields: Int) in
      request(head, size: size, limits: HTTPHeadLimits(headBytes: bytes, fieldCount: fields))
    }
    let whole = request(head)
    #expect(outcome(head.utf8.count, 2) == whole)
    #expect(outcome(head.utf8.count - 1, 2) == .failed(.headTooLong, line: 4))
    #expect(outcome(head.utf8.count, 1) == .failed(.tooManyFields, line: 3))
    #expect(outcome(16, 2) == .failed(.headTooLong, line: 2))
    #expect(outcome(15, 2) == .failed(.startLineTooLong, line: 1))
    #expect(outcome(0, 2) == .failed(.startLineTooLong, line: 1))
  }

  @Test func theDefaultLimits() {
    let fields = String(repeating: "a: b\r\n", count: 99)
    guard case .request = request("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n") else {
      Issue.record("100 header lines are too many")
      return
    }
    #expect(request("GET / HTTP/1.1\r\nHost: a\r\nc: d\r\n\(fields)\r\n") == .failed(.tooManyFields, line: 102))
    let long = String(repeating: "x", count: 17_000)
    #expect(request("GET /\(long) HTTP/1.1\r\n") == .failed(.startLineTooLong, line: 1))
    #expect(request("GET / HTTP/1.1\r\nHost: a\r\nCookie: \(long)\r\n") == .failed(.headTooLong, line: 3))
  }

  @Test(arguments: sizes)
  func responses(size: Int) {
    #expect(
      response("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", size: size)
        == .response(status: 101, reason: "Switching Protocols", fields: [HTTPField("upgrade", "websocket")]))
    #expect(response("HTTP/1.0 502 \r\n\r\n", size: size) == .response(status: 502, reason: "", fields: []))
    #expect(
      response("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n", size: size)
        == .response(status: 404, reason: "Not Found", fields: []))
    #expect(response("HTTP/1.1 101\r\n", size: size) == .failed(.badStartLine, line: 1))
    #expect(response("HTTP/1.1 1010 x\r\n", size: size) == .failed(.badStartLine, line: 1))
    #expect(response("HTTP/1.1 +01 x\r\n", size: size) == .failed(.badStartLine, line: 1))
    #expect(response("HTTP/1.1 600 x\r\n", size: size) == .failed(.badStartLine, line: 1))
    #expect(response("HTTP/2.0 200 x\r\n", size: size) == .failed(.badVersion, line: 1))
    #expect(response("\r\nHTTP/1.1 200 x\r\n", size: size) == .failed(.badStartLine, line: 1))
  }

  @Test func interimResponsesDoNotGoOnForEver() {
    let interim = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 1_000)
    guard case .failed(.startLineTooLong, _) = response(interim) else {
      Issue.record("more than 16384 bytes of interim responses were read")
      return
    }
  }

  @Test func fieldsThatAreLists() {
    let fields = HTTPFields([
      HTTPField("Connection", "keep-alive , ,Upgrade"), HTTPField("X", "y"), HTTPField("connection", "\tfoo"),
      HTTPField("K", "websoc\u{212A}et"),
    ])
    #expect(fields.elements(of: "CONNECTION") == ["keep-alive", "Upgrade", "foo"])
    #expect(fields.contains("upgrade", in: "Connection") && fields.contains("FOO", in: "connection"))
    #expect(!fields.contains("keep", in: "connection") && !fields.contains("websocket", in: "k"))
    #expect("\(fields)" == "connection, x, connection, k")
  }

  @Test(arguments: HTTPHeadError.Problem.allCases)
  func everyProblemHasAStatusAndAText(problem: HTTPHeadError.Problem) {
    let refusal = HTTPRefusal(HTTPHeadError(problem, line: 7))
    #expect((400...599).contains(refusal.status) && refusal.text == "line 7 of the head: \(problem.text)")
    let text = String(decoding: refusal.bytes(), as: UTF8.self)
    guard case .response(refusal.status, let reason, _) = response(text), !reason.isEmpty else {
      Issue.record("\(text)")
      return
    }
  }
}
