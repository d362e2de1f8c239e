import Testing

import WebSocketFrames

/// RFC 7692, with its own examples.
@Suite struct DeflateTests {
  // MARK: Negotiation

  static func agreement(
    _ offer: String..., policy: DeflatePolicy = DeflatePolicy(keepsContext: true)
  ) throws -> String? {
    let list = try #require(ExtensionList(offer))
    return policy.answer(list)?.response
  }

  @Test(arguments: [
    ("permessage-deflate", "permessage-deflate"),
    ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
    ("permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=10"),
    ("permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=10"),
    // "by including" it, whatever it is (7.1.2.1)
    ("permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15"),
    ("Permessage-Deflate;SERVER_NO_CONTEXT_TAKEOVER", "permessage-deflate; server_no_context_takeover"),
    ("x-foo; a=b, permessage-deflate ; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
    // The first that can be taken.
    ("permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=9",
      "permessage-deflate; server_max_window_bits=9"),
  ])
  func offersAreAnswered(offer: String, answer: String) throws {
    #expect(try DeflateTests.agreement(offer) == answer)
  }

  @Test(arguments: [
    "", "x-webkit-deflate-frame", "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=08",
    "permessage-deflate; server_max_window_bits=+9", "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
  ])
  func offersAreDeclined(offer: String) throws {
    #expect(try DeflateTests.agreement(offer) == nil)
  }

  @Test func aServerWithoutContextSaysSo() throws {
    #expect(
      try DeflateTests.agreement("permessage-deflate; client_max_window_bits", policy: DeflatePolicy())
        == "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
  }

  @Test(arguments: [
    ";", "permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; a=", "permessage-deflate; a=\"",
    "permessage-deflate; a=\"b c\"", "permessage deflate", "a/b", "permessage-deflate; a=\"b\"c",
    String(repeating: "a,", count: 33) + "a/b",
  ])
  func whatIsNoListIsRefused(value: String) {
    #expect(ExtensionList([value]) == nil)
  }

  @Test func ofVeryManyTheFirstAreLookedAt() {
    #expect(ExtensionList([String(repeating: "a,", count: 33)])?.elements.count == 32)
  }

  @Test(arguments: [
    ("permessage-deflate", DeflateAgreement()),
    ("permessage-deflate; server_no_context_takeover; client_max_window_bits=9",
      DeflateAgreement(serverForgets: true, clientWindowBits: 9)),
  ])
  func answersAreRead(answer: String, expected: DeflateAgreement) throws {
    let list = try #require(ExtensionList([answer]))
    #expect(DeflateAgreement(answer: list.elements[0]) == expected)
  }

  @Test(arguments: [
    "permessage-deflate; client_max_window_bits", "permessage-deflate; x", "x-deflate",
    "permessage-deflate; server_max_window_bits=7",
  ])
  func answersThatFailTheConnection(answer: String) throws {
    let list = try #require(ExtensionList([answer]))
    #expect(DeflateAgreement(answer: list.elements[0]) == nil)
  }

  // MARK: Messages

  static let kept = DeflateAgreement()
  static let forgotten = DeflateAgreement(serverForgets: true, clientForgets: true)

  static func compressing(_ role: Role, _ agreement: DeflateAgreement) -> MessageCompression {
    MessageCompression(agreement, role: role, pool: CompressionPool(CompressionSettings(level: 6)))
  }

  static func read(
    _ bytes: [UInt8], _ compression: borrowing MessageCompression, opcode: Opcode = .text, limit: Int = 1 << 20
  ) -> Result<String, Violation> {
    var result = Result<String, Violation>.failure(.badCompression)
    bytes.withUnsafeBytes { bytes in
      do throws(Violation) {
        let text = try compression.decompress(bytes, opcode, limit: limit) { span in
          span.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        }
        result = .success(text)
      } catch {
        result = .failure(error)
      }
    }
    return result
  }

  /// Section 7.2.3: a block, the same with context, a block without compression, a final block, two blocks.
  @Test func theExamplesOfTheRFC() {
    let server = DeflateTests.compressing(.server, DeflateTests.kept)
    for bytes: [UInt8] in [
      [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
      [0xf2, 0x00, 0x11, 0x00, 0x00],
      [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
      [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
      [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ] {
      #expect(DeflateTests.read(bytes, server) == .success("Hello"))
    }
    #expect(DeflateTests.read([0x00], server) == .success(""))
  }

  @Test func contextIsForgottenWhereThatWasAgreed() {
    let server = DeflateTests.compressing(.server, DeflateTests.forgotten)
    #expect(DeflateTests.read([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], server) == .success("Hello"))
    #expect(DeflateTests.read([0xf2, 0x00, 0x11, 0x00, 0x00], server) == .failure(.badCompression))
  }

  @Test(arguments: [9, 15], [true, false])
  func whatOneEndWritesTheOtherReads(windowBits: Int, forgets: Bool) {
    let agreement = DeflateAgreement(
      serverForgets: forgets, clientForgets: forgets, serverWindowBits: windowBits, clientWindowBits: 8)
    let client = DeflateTests.compressing(.client, agreement)
    let server = DeflateTests.compressing(.server, agreement)
    var sizes: [Int] = []
    for round in 0..<50 {
      // Repetitions at many distances, and texts of every length up to some hundred kilobytes.
      let text = String(repeating: "round \(round % 7) of many, ", count: round * round * 4)
      var toServer: [UInt8] = []
      var toClient: [UInt8] = []
      Array(text.utf8).withUnsafeBytes { client.compress($0, into: &toServer) }
      Array(text.utf8).withUnsafeBytes { server.compress($0, into: &toClient) }
      #expect(DeflateTests.read(toServer, server) == .success(text))
      #expect(DeflateTests.read(toClient, client) == .success(text))
      sizes.append(toClient.count)
    }
    #expect(sizes[49] < 8_000)
  }

  @Test func aSmallMessageDoesNotBecomeALargeOne() {
    let client = DeflateTests.compressing(.client, DeflateTests.forgotten)
    let server = DeflateTests.compressing(.server, DeflateTests.forgotten)
    var bomb: [UInt8] = []
    [UInt8](repeating: 0x20, count: 1 << 24).withUnsafeBytes { client.compress($0, into: &bomb) }
    #expect(bomb.count < 20_000)
    #expect(DeflateTests.read(bomb, server, limit: 1 << 20) == .failure(.messageTooBig))
    // At the limit, and one byte above it.
    var exact: [UInt8] = []
    [UInt8](repeating: 0x20, count: 1_000).withUnsafeBytes { client.compress($0, into: &exact) }
    #expect(DeflateTests.read(exact, server, limit: 1_000) == .success(String(repeating: " ", count: 1_000)))
    #expect(DeflateTests.read(exact, server, limit: 999) == .failure(.messageTooBig))
  }

  /// Whatever comes, an answer comes: no trap, no endless loop (CVE-2022-3252 was one on bytes behind the end).
  @Test func nonsenseIsRefused() {
    let server = DeflateTests.compressing(.server, DeflateTests.kept)
    #expect(DeflateTests.read([0xff, 0xff, 0xff], server, opcode: .binary) == .failure(.badCompression))
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      let bytes = (0..<Int.random(in: 1...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let fresh = DeflateTests.compressing(.server, DeflateTests.forgotten)
      _ = DeflateTests.read([0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00] + bytes, fresh, opcode: .binary)
      _ = DeflateTests.read(bytes, fresh, opcode: .binary)
    }
  }

  @Test func aCompressedTextIsUTF8() {
    let client = DeflateTests.compressing(.client, DeflateTests.forgotten)
    let server = DeflateTests.compressing(.server, DeflateTests.forgotten)
    var bytes: [UInt8] = []
    [0x41, 0xff].withUnsafeBytes { client.compress($0, into: &bytes) }
    #expect(DeflateTests.read(bytes, server) == .failure(.badUTF8))
  }

  /// A head as it is and a tail that was compressed apart are one message, whatever the window.
  @Test(arguments: [9, 15], ["", "{\"v\":2,\"seq\":17,", String(repeating: "h", count: 65_535)])
  func partsAreJoined(windowBits: Int, head: String) {
    let agreement = DeflateAgreement(serverForgets: true, clientForgets: true, serverWindowBits: windowBits)
    let server = DeflateTests.compressing(.server, agreement)
    let tail = String(repeating: "a tail for many, ", count: 400)
    var compressed: [UInt8] = []
    Array(tail.utf8).withUnsafeBytes { server.compress($0, into: &compressed) }
    #expect(server.joinsParts && server.windowBits == windowBits && server.contextByteCount == 0)
    for _ in 0..<2 {
      var message: [UInt8] = []
      Array(head.utf8).withUnsafeBytes { MessageCompression.appendStored($0, to: &message) }
      let client = DeflateTests.compressing(.client, agreement)
      #expect(DeflateTests.read(message + compressed, client) == .success(head + tail))
    }
  }

  // MARK: Frames

  /// Section 7.2.3.1, whole and in two fragments: RSV1 is set in the first alone.
  @Test func compressedFrames() {
    let hello: [UInt8] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]
    let fragments = client(.text, [0xf2, 0x48, 0xcd], first: 0x41) + client(.ping, [1])
      + client(.continuation, [0xc9, 0xc9, 0x07, 0x00], first: 0x80)
    for size in [1, 2, 3, 7, .max] {
      #expect(parse(client(.text, hello, first: 0xC1), size: size, allowsCompression: true) == [.compressed(.text, hello)])
      #expect(parse(fragments, size: size, allowsCompression: true) == [.ping([1]), .compressed(.text, hello)])
      #expect(parse(client(.text, hello, first: 0xC1), size: size) == [.violation(.reservedBit)])
      #expect(parse(client(.ping, hello, first: 0xC9), size: size, allowsCompression: true) == [.violation(.reservedBit)])
      let late = client(.text, [0x41], first: 0x01) + client(.continuation, hello, first: 0xC0)
      #expect(parse(late, size: size, allowsCompression: true) == [.violation(.reservedBit)])
    }
  }
}
