import WebSocketFrames

/// The opening handshake of a server, from the request's bytes to those of the response.
let upgrades: [Benchmark] = [
  upgrade("upgrade.plain", operation: "a request of seven lines, judged and answered", []),
  upgrade("upgrade.browser", operation: "that of a browser, of fifteen", [
    "Pragma: no-cache", "Cache-Control: no-cache", "Origin: https://chat.example.com",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
    "Accept-Encoding: gzip, deflate, br", "Accept-Language: en-GB,en;q=0.9",
    "Cookie: session=0123456789abcdef; theme=dark", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  ]),
]

private func upgrade(_ name: String, operation: String, _ lines: [String]) -> Benchmark {
  Benchmark(name: name, operation: operation) {
    let usual = [
      "GET /ws HTTP/1.1", "Host: chat.example.com", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: wscore.v2.json",
    ]
    let request = Array(((usual + lines).joined(separator: "\r\n") + "\r\n\r\n").utf8)
    return { count in
      for _ in 0..<count {
        request.withUnsafeBytes { bytes in
          var parser = HTTPHeadParser<HTTPRequestHead>()
          var offset = 0
          guard case .head(let head) = parser.next(bytes, from: &offset),
            case .accepted(let accepted) = Upgrade.judge(head, subprotocols: ["wscore.v2.json", "wscore.v1.json"])
          else { fatalError("the request was refused") }
          consume(accepted.response())
        }
      }
    }
  }
}
