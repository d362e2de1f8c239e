import Testing

import WebSocketFrames

private let key = "dGhlIHNhbXBsZSBub25jZQ=="
private let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
private let spoken = ["wscore.v2.json", "wscore.v1.json"]

/// The lines of a good request; a test changes one of them.
private let good = [
  "GET /ws?a=b HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: \(key)",
  "Sec-WebSocket-Version: 13",
]

private func head<Head: HTTPHead>(_: Head.Type, _ bytes: [UInt8]) throws -> Head {
  let (event, _) = readHead(Head.self, bytes)
  guard case .head(let head) = event else { throw Unreadable(event: "\(event)") }
  return head
}

private struct Unreadable: Error {
  var event: String
}

private func judge(_ lines: [String]) throws -> Upgrade.Verdict {
  let bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  return Upgrade.judge(try head(HTTPRequestHead.self, bytes), subprotocols: spoken)
}

private func replacing(_ start: String, with lines: String...) -> [String] {
  good.filter { !$0.hasPrefix(start) } + lines
}

private func subprotocol(offering lines: String...) throws -> String? {
  guard case .accepted(let accepted) = try judge(good + lines) else { throw Unreadable(event: "refused") }
  return accepted.subprotocol
}

@Suite struct UpgradeJudgeTests {
  @Test func aGoodRequestIsAcceptedWithTheAnswerOfTheRFC() throws {
    guard case .accepted(let accepted) = try judge(good + ["Origin: https://a.example"]) else {
      Issue.record("refused")
      return
    }
    #expect(accepted.origin == "https://a.example" && accepted.subprotocol == nil)
    #expect(
      String(decoding: accepted.response(), as: UTF8.self)
        == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: \(accept)\r\n\r\n")
  }

  static let accepted: [[String]] = [
    replacing("Upgrade", with: "upgrade: WebSocket"),
    replacing("Upgrade", with: "Upgrade: h2c", "Upgrade: , websocket"),
    replacing("Connection", with: "CONNECTION: keep-alive, uPgRaDe"),
    replacing("Connection", with: "Connection: keep-alive", "Connection: upgrade"),
    good + ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
    good + ["Content-Length: 0"],
  ]

  @Test(arguments: accepted)
  func variantsAreAccepted(lines: [String]) throws {
    guard case .accepted = try judge(lines) else {
      Issue.record("refused: \(lines)")
      return
    }
  }

  static let refused: [(Int, [String], fields: [HTTPField])] = [
    (405, ["POST / HTTP/1.1"] + good.dropFirst(), [HTTPField("Allow", "GET")]),
    (405, ["HEAD / HTTP/1.1"] + good.dropFirst(), [HTTPField("Allow", "GET")]),
    (405, ["get / HTTP/1.1"] + good.dropFirst(), [HTTPField("Allow", "GET")]),
    (426, ["GET / HTTP/1.1", "Host: a"], upgradeRequired),
    (426, replacing("Upgrade", with: "Upgrade: h2c"), upgradeRequired),
    (426, replacing("Upgrade", with: "Upgrade: websockets"), upgradeRequired),
    (400, replacing("Connection"), []),
    (400, replacing("Connection", with: "Connection: keep-alive"), []),
    (426, replacing("Sec-WebSocket-Version"), upgradeRequired),
    (426, replacing("Sec-WebSocket-Version", with: "Sec-WebSocket-Version: 8"), upgradeRequired),
    (426, good + ["Sec-WebSocket-Version: 13"], upgradeRequired),
    (400, replacing("Sec-WebSocket-Key"), []),
    (400, good + ["Sec-WebSocket-Key: \(key)"], []),
    (400, replacing("Sec-WebSocket-Key", with: "Sec-WebSocket-Key: c2hvcnQ="), []),
    (400, good + ["Origin: https://a", "Origin: https://b"], []),
  ]
  static let upgradeRequired = [HTTPField("Upgrade", "websocket"), HTTPField("Sec-WebSocket-Version", "13")]

  @Test(arguments: refused.indices)
  func othersAreRefused(index: Int) throws {
    let (status, lines, fields) = Self.refused[index]
    guard case .refused(let refusal) = try judge(lines) else {
      Issue.record("accepted: \(lines)")
      return
    }
    #expect(refusal.status == status && refusal.fields == fields && !refusal.text.isEmpty, "\(lines)")
  }

  @Test func ourPreferenceDecidesTheSubprotocol() throws {
    #expect(try subprotocol(offering: "Sec-WebSocket-Protocol: wscore.v1.json, wscore.v2.json") == spoken[0])
    #expect(
      try subprotocol(offering: "Sec-WebSocket-Protocol: x", "Sec-WebSocket-Protocol: ,wscore.v1.json") == spoken[1])
    #expect(try subprotocol(offering: "Sec-WebSocket-Protocol: mqtt, WSCORE.V2.JSON") == nil)
    guard case .accepted(let accepted) = try judge(good + ["Sec-WebSocket-Protocol: wscore.v1.json"]) else {
      Issue.record("refused")
      return
    }
    #expect(String(decoding: accepted.response(), as: UTF8.self).hasSuffix("Protocol: wscore.v1.json\r\n\r\n"))
  }

  @Test func aRefusalOnTheWire() {
    let refusal = HTTPRefusal(426, "no", fields: [HTTPField("Upgrade", "websocket")])
    let head =
      "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n"
      + "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\n"
    #expect(String(decoding: refusal.bytes(), as: UTF8.self) == head + "no\n")
    #expect(String(decoding: refusal.bytes(omittingBody: true), as: UTF8.self) == head)
    let busy = HTTPRefusal(503, "later", fields: [HTTPField("Retry-After", "1\r\nX: y")])
    let text = String(decoding: busy.bytes(), as: UTF8.self)
    #expect(text.contains("Retry-After: 1  X: y\r\nConnection: close\r\n"))
  }
}

@Suite struct UpgradeClientTests {
  private func check(_ lines: [String], offering: [String] = spoken) throws -> String? {
    let bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    return try Upgrade.check(try head(HTTPResponseHead.self, bytes), key: key, subprotocols: offering).subprotocol
  }

  @Test func theRequestOnTheWire() throws {
    let url = try WebSocketURL("ws://[::1]:8080/chat?x=1")
    let bytes = try Upgrade.request(
      url, key: key, subprotocols: spoken, fields: [HTTPField("Authorization", "Bearer abc")])
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == "GET /chat?x=1 HTTP/1.1\r\nHost: [::1]:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Protocol: wscore.v2.json, wscore.v1.json\r\nAuthorization: Bearer abc\r\n\r\n")
  }

  @Test func bothSidesAgree() throws {
    let bytes = try Upgrade.request(try WebSocketURL("ws://a"), key: key, subprotocols: [spoken[1]])
    let verdict = Upgrade.judge(try head(HTTPRequestHead.self, bytes), subprotocols: spoken)
    guard case .accepted(let accepted) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    let answer = try head(HTTPResponseHead.self, accepted.response())
    #expect(try Upgrade.check(answer, key: key, subprotocols: [spoken[1]]).subprotocol == spoken[1])
  }

  @Test func requestsThatCannotBeWritten() throws {
    let url = try WebSocketURL("ws://a")
    let refused: [(HTTPField, Upgrade.RequestError)] = [
      (HTTPField("A b", "c"), .badFieldName), (HTTPField("", "c"), .badFieldName),
      (HTTPField("A", "secret\r\nHost: x"), .badFieldValue(name: "A")),
      (HTTPField("HOST", "x"), .reservedField(name: "HOST")),
      (HTTPField("Sec-WebSocket-Extensions", "x"), .reservedField(name: "Sec-WebSocket-Extensions")),
    ]
    for (field, error) in refused {
      #expect(throws: error) { try Upgrade.request(url, key: key, fields: [field]) }
      #expect(!"\(error)".contains("secret"))
    }
    #expect(throws: Upgrade.RequestError.badSubprotocol) { try Upgrade.request(url, key: key, subprotocols: ["a,b"]) }
    #expect(throws: Upgrade.RequestError.badKey) { try Upgrade.request(url, key: "x\r\n") }
  }

  static let answer = [
    "HTTP/1.1 101 Yes", "upgrade: WebSocket", "connection: keep-alive, upgrade", "sec-websocket-accept: \(accept)",
  ]
  static let answers: [([String], Upgrade.ResponseError)] = [
    (["HTTP/1.1 403 No"], .refused(status: 403, retryAfterSeconds: nil)),
    (["HTTP/1.0 503 Busy", "Retry-After: 5"], .refused(status: 503, retryAfterSeconds: 5)),
    (["HTTP/1.1 503 Busy", "Retry-After: 9223372036854775807"], .refused(status: 503, retryAfterSeconds: 86_400)),
    (["HTTP/1.1 503 Busy", "Retry-After: soon"], .refused(status: 503, retryAfterSeconds: nil)),
    (["HTTP/1.0 101 Yes"] + answer.dropFirst(), .notAnUpgrade),
    (answer.filter { !$0.hasPrefix("upgrade") }, .notAnUpgrade),
    (answer.filter { !$0.hasPrefix("connection") }, .notAnUpgrade),
    (answer + ["Upgrade: h2c"], .notAnUpgrade),
    (answer.dropLast(), .wrongAccept),
    (answer.dropLast() + ["Sec-WebSocket-Accept: \(key)"], .wrongAccept),
    (answer + ["Sec-WebSocket-Accept: \(accept)"], .wrongAccept),
    (answer + ["Sec-WebSocket-Extensions: permessage-deflate"], .unwantedExtension),
    (answer + ["Sec-WebSocket-Protocol: mqtt"], .unwantedSubprotocol),
    (answer + ["Sec-WebSocket-Protocol: wscore.v2.json, wscore.v1.json"], .unwantedSubprotocol),
    (answer + ["Sec-WebSocket-Protocol: wscore.v2.json", "Sec-WebSocket-Protocol: wscore.v1.json"],
     .unwantedSubprotocol),
  ]

  @Test(arguments: answers.indices)
  func badAnswersAreRefused(index: Int) {
    let (lines, error) = Self.answers[index]
    #expect(throws: error, "\(lines)") { try check(lines) }
  }

  @Test func goodAnswers() throws {
    #expect(try check(Self.answer) == nil)
    #expect(try check(Self.answer + ["Sec-WebSocket-Protocol: wscore.v1.json"]) == spoken[1])
    #expect(throws: Upgrade.ResponseError.unwantedSubprotocol) {
      try check(Self.answer + ["Sec-WebSocket-Protocol: wscore.v1.json"], offering: [])
    }
  }
}
