import Testing

import WebSocketFrames

/// What became of a body: its content, and what stands behind it.
private struct BodyOutcome: Equatable {
  var content: [UInt8] = []
  var error: HTTPBodyError?
  var isComplete = false
  var rest: [UInt8] = []
}

private func read(
  _ framing: HTTPFraming, pieces: [ArraySlice<UInt8>], limits: HTTPBodyLimits = HTTPBodyLimits(contentBytes: 1_000)
) -> BodyOutcome {
  var outcome = BodyOutcome()
  do throws(HTTPBodyError) {
    var reader = try HTTPBodyReader(framing, limits: limits)
    for piece in pieces {
      var offset = 0
      var isDone = false
      while !isDone, !outcome.isComplete {
        switch piece.withUnsafeBytes({ reader.next($0, from: &offset) }) {
        case .content(let range):
          if range.isEmpty { Issue.record("empty content") }
          outcome.content += piece.dropFirst(range.lowerBound).prefix(range.count)
        case .complete: outcome.isComplete = true
        case .failed(let error):
          outcome.error = error
          isDone = true
        case .needsMore:
          if offset != piece.count { Issue.record("\(offset) of \(piece.count) bytes were taken without an event") }
          isDone = true
        }
      }
      outcome.rest += piece.dropFirst(offset)
    }
    // The end may be known with the last byte only.
    var offset = 0
    if case .complete = reader.next(UnsafeRawBufferPointer(start: nil, count: 0), from: &offset) {
      outcome.isComplete = true
    }
    if reader.isComplete != outcome.isComplete { Issue.record("isComplete is wrong") }
  } catch {
    outcome.error = error
  }
  return outcome
}

/// The body in one piece, in two at every place, and in pieces of one byte: all must be read alike.
private func everyWay(
  _ framing: HTTPFraming, _ text: String, limits: HTTPBodyLimits = HTTPBodyLimits(contentBytes: 1_000)
) -> BodyOutcome {
  let bytes = Array(text.utf8)
  let whole = read(framing, pieces: [bytes[...]], limits: limits)
  for place in 0...bytes.count {
    let halves = read(framing, pieces: [bytes[..<place], bytes[place...]], limits: limits)
    if halves != whole { Issue.record("cut at \(place): \(halves), not \(whole)") }
  }
  let single = read(framing, pieces: bytes.indices.map { bytes[$0...$0] }, limits: limits)
  if single != whole { Issue.record("byte by byte: \(single), not \(whole)") }
  return whole
}

@Suite struct HTTPBodyTests {
  private func complete(_ content: String, rest: String = "") -> BodyOutcome {
    BodyOutcome(content: Array(content.utf8), isComplete: true, rest: Array(rest.utf8))
  }

  @Test func aLengthIsKeptToTheByte() {
    #expect(everyWay(.length(5), "helloGET /") == complete("hello", rest: "GET /"))
    #expect(everyWay(.none, "GET /") == complete("", rest: "GET /"))
    #expect(everyWay(.length(5), "hell") == BodyOutcome(content: Array("hell".utf8)))
  }

  @Test func contentUpToTheEnd() {
    #expect(everyWay(.untilClose, "hello") == BodyOutcome(content: Array("hello".utf8)))
    #expect(throws: Never.self) {
      let reader = try HTTPBodyReader(.untilClose, limits: HTTPBodyLimits(contentBytes: 1))
      #expect(reader.mayEnd && !reader.isComplete)
    }
  }

  @Test(arguments: [
    ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("0\r\n\r\n", ""), ("000\r\n\r\n", ""),
    ("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello"), ("005;x\r\nhello\r\n0;y=\"z\"\r\n\r\n", "hello"),
    ("5 \t;a=b\r\nhello\r\n0\r\nX: y\r\nZ:\r\n\r\n", "hello"), ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    ("A\r\n\r\n0\r\n\r\n\r\n\r\r\n0\r\n\r\n", "\r\n0\r\n\r\n\r\n\r"),
  ])
  func chunks(text: String, content: String) {
    #expect(everyWay(.chunked, text + "POST /") == complete(content, rest: "POST /"))
  }

  @Test(arguments: [
    "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1 x\r\n", "1;a\rb\r\n", "1;\0\r\n", "1\n", "1\r1\r\n",
    "1\r\nab", "1\r\na\n", "1\r\na\rb", "5\r\nhello5\r\n", "0000000000000001\r\n", "ffffffffffffffffff\r\n", ";x\r\n",
    "1_0\r\n", "\u{661}\r\n",
  ])
  func badChunks(text: String) {
    #expect(everyWay(.chunked, text).error == .badChunk, "\(text.debugDescription)")
  }

  @Test(arguments: ["X\r\n", " X: y\r\n", "X : y\r\n", ": y\r\n", "X: y\n", "X: y\rz", "X: \0"])
  func badTrailers(text: String) {
    #expect(everyWay(.chunked, "1\r\na\r\n0\r\n" + text).error == .badTrailer, "\(text.debugDescription)")
  }

  @Test func everyBoundHoldsToTheByte() {
    let five = HTTPBodyLimits(contentBytes: 5)
    #expect(everyWay(.length(5), "hello", limits: five) == complete("hello"))
    #expect(everyWay(.length(6), "", limits: five).error == .tooLong)
    #expect(everyWay(.chunked, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", limits: five) == complete("hello"))
    let over = everyWay(.chunked, "2\r\nhe\r\n4\r\nllo!", limits: five)
    #expect(over.error == .tooLong && over.content == Array("he".utf8))
    #expect(everyWay(.chunked, "fffffffffffffff\r\n", limits: five).error == .tooLong)
    #expect(read(.untilClose, pieces: [Array("hello!".utf8)[...]], limits: five).error == .tooLong)

    let lines = HTTPBodyLimits(contentBytes: 5, chunkLineBytes: 4, trailerBytes: 8)
    #expect(everyWay(.chunked, "1;\r\na\r\n0\r\nX: y\r\n\r\n", limits: lines).isComplete)
    #expect(everyWay(.chunked, "1;x\r\na", limits: lines).error == .badChunk)
    #expect(everyWay(.chunked, "0\r\nX: yy\r\n\r\n", limits: lines).error == .trailerTooLong)
  }

  @Test func whatFollowsAFaultIsNotRead() {
    let outcome = everyWay(.chunked, "x\r\n5\r\nhello\r\n0\r\n\r\n")
    #expect(outcome == BodyOutcome(error: .badChunk))
  }

  @Test(arguments: HTTPBodyError.allCases)
  func everyFaultHasAStatusAndAText(error: HTTPBodyError) {
    #expect((400...499).contains(error.status) && !error.text.isEmpty)
  }

  @Test(arguments: [
    ("200 OK\r\nContent-Length: 3", HTTPFraming.length(3)), ("200 OK", .untilClose), ("204 x\r\nContent-Length: 3", .none),
    ("304 x\r\nTransfer-Encoding: chunked", .none), ("200 x\r\nTransfer-Encoding: chunked", .chunked),
    ("101 x", .none),
  ] as [(String, HTTPFraming)])
  func framingOfResponses(text: String, framing: HTTPFraming) throws {
    guard case .head(let head) = readHead(HTTPResponseHead.self, Array("HTTP/1.1 \(text)\r\n\r\n".utf8)).0 else {
      Issue.record("not read")
      return
    }
    #expect(try head.framing() == framing)
  }
}
