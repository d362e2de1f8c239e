import Testing

import WebSocketFrames

/// SplitMix64: a run is told by its seed.
private struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

/// Good input, changed at a few places: nothing traps, and what comes out does not depend on the segmentation.
@Suite struct HTTPMutationTests {
  private static let request = Array(
    ("GET http://a.example:80/chat?x=%20 HTTP/1.1\r\nHost: [::1]:8080\r\nUpgrade: websocket\r\nOrigin: null\r\n"
      + "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 0\r\n"
      + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, wscore.v1.json\r\n\r\nrest").utf8)
  private static let response = Array(
    ("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Retry-After: 120\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nrest").utf8)
  private static let spice = Array("\r\n\t :,;/?#[]@%*=\0\u{7f}\u{ff}HG0159 ".utf8)

  private func mutate(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      let byte = Self.spice.randomElement(using: &random) ?? 0
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[place] = byte
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 2: bytes.insert(byte, at: place)
      case 3: bytes.remove(at: place)
      case 4: bytes.removeSubrange(place..<min(place + 20, bytes.count))
      default: bytes.insert(contentsOf: bytes[place..<min(place + 40, bytes.count)], at: place)
      }
    }
    return bytes
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func requests(seed: UInt64) {
    var random = Seeded(state: seed)
    var counts = (accepted: 0, refused: 0, failed: 0)
    for _ in 0..<2_000 {
      let bytes = mutate(Self.request, &random)
      let size = Int.random(in: 1...40, using: &random)
      let limits = HTTPHeadLimits(headBytes: Int.random(in: 200...600, using: &random), fieldCount: 9)
      let (whole, rest) = readHead(HTTPRequestHead.self, bytes, limits: limits)
      let (pieces, restOfPieces) = readHead(HTTPRequestHead.self, bytes, size: size, limits: limits)
      switch (whole, pieces) {
      case (.head(let head), .head(let other)):
        if head != other || rest != restOfPieces { Issue.record("seed \(seed), size \(size): \(bytes)") }
        switch Upgrade.judge(head, subprotocols: ["wscore.v2.json", "wscore.v1.json"]) {
        case .accepted: counts.accepted += 1
        case .refused(let refusal) where !refusal.bytes().isEmpty: counts.refused += 1
        case .refused: Issue.record("no answer")
        }
      case (.failed(let error), .failed(let other)) where error == other: counts.failed += 1
      case (.needsMore, .needsMore): break
      default: Issue.record("seed \(seed), size \(size): \(whole) but \(pieces) from \(bytes)")
      }
    }
    #expect(counts.accepted > 50 && counts.refused > 50 && counts.failed > 500, "\(counts)")
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func responses(seed: UInt64) {
    var random = Seeded(state: seed)
    var counts = (accepted: 0, refused: 0, failed: 0)
    for _ in 0..<2_000 {
      let bytes = mutate(Self.response, &random)
      let size = Int.random(in: 1...40, using: &random)
      let (whole, rest) = readHead(HTTPResponseHead.self, bytes)
      let (pieces, restOfPieces) = readHead(HTTPResponseHead.self, bytes, size: size)
      switch (whole, pieces) {
      case (.head(let head), .head(let other)):
        if head != other || rest != restOfPieces { Issue.record("seed \(seed), size \(size): \(bytes)") }
        let chosen = Result { try Upgrade.check(head, key: "dGhlIHNhbXBsZSBub25jZQ==") }
        if case .success = chosen { counts.accepted += 1 } else { counts.refused += 1 }
      case (.failed(let error), .failed(let other)) where error == other: counts.failed += 1
      case (.needsMore, .needsMore): break
      default: Issue.record("seed \(seed), size \(size): \(whole) but \(pieces) from \(bytes)")
      }
    }
    #expect(counts.accepted > 50 && counts.refused > 50 && counts.failed > 500, "\(counts)")
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func urls(seed: UInt64) throws {
    var random = Seeded(state: seed)
    for _ in 0..<2_000 {
      let text = String(decoding: mutate(Array("ws://[::1]:8080/a%20b?c=%2F".utf8), &random), as: UTF8.self)
      _ = PercentCoding.decode(text)
      guard let url = try? WebSocketURL(text) else { continue }
      let bytes = try Upgrade.request(url, key: "dGhlIHNhbXBsZSBub25jZQ==")
      guard case (.head(let head), _) = readHead(HTTPRequestHead.self, bytes) else {
        Issue.record("seed \(seed): what \(text.debugDescription) asks for is not a request")
        continue
      }
      #expect(head.path == url.path && head.query == url.query && head.authority.host == url.host)
    }
  }
}
