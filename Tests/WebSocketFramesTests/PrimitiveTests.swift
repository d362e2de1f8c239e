import Testing

import WebSocketFrames

@Suite struct PrimitiveTests {
  @Test func acceptIsTheExampleOfTheRFC() {
    // RFC 6455 section 1.3
    #expect(Handshake.accept(forKey: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test func sha1OfTheStandard() {
    // FIPS 180-4 examples: one block and two
    let hex = { (bytes: [UInt8]) in bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    #expect(hex(SHA1.digest(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    let two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    #expect(hex(SHA1.digest(Array(two.utf8))) == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
  }

  @Test(arguments: [
    ("dGhlIHNhbXBsZSBub25jZQ==", true), ("dGhlIHNhbXBsZSBub25j", false), ("dGhlIHNhbXBsZSBub25jZQ=A", false),
    ("dGhlIHNhbXBsZSBub25jZ!==", false), ("", false),
  ])
  func keys(key: String, isWellFormed: Bool) {
    #expect(Handshake.isWellFormed(key: key) == isWellFormed)
  }

  @Test(arguments: 0..<70)
  func maskingInPiecesIsMaskingAtOnce(count: Int) {
    let plain = (0..<count).map { UInt8($0) }
    let key: UInt32 = 0xA1B2_C3D4
    let wanted = plain.enumerated().map { $1 ^ UInt8(truncatingIfNeeded: key >> UInt32(8 * ($0 % 4))) }
    for cut in 0...count {
      var bytes = plain
      bytes.withUnsafeMutableBytes {
        Masking.apply(key, phase: 0, to: .init(rebasing: $0[..<cut]))
        Masking.apply(key, phase: cut, to: .init(rebasing: $0[cut...]))
      }
      #expect(bytes == wanted)
    }
  }

  @Test func everyTwoAndThreeByteSequenceAgreesWithTheStandardLibrary() {
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max {
        for third: UInt8 in [0x00, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC2, 0xFF] {
          let bytes = [first, second, third]
          let wanted = String(validating: bytes, as: UTF8.self) != nil
          let found = bytes.withUnsafeBytes { UTF8Validator.isValid($0) }
          if found != wanted { Issue.record("\(bytes): \(found), the standard library says \(wanted)") }
        }
      }
    }
  }

  /// Every four-byte lead with every second byte, at every place in a word, and random texts with a byte changed; whole
  /// and in two pieces.
  @Test func longTextsAgreeWithTheStandardLibrary() {
    func check(_ bytes: [UInt8], cutAt cut: Int) {
      let wanted = String(validating: bytes, as: UTF8.self) != nil
      bytes.withUnsafeBytes { bytes in
        var validator = UTF8Validator()
        let inPieces =
          validator.consume(.init(rebasing: bytes[..<cut])) && validator.consume(.init(rebasing: bytes[cut...]))
          && validator.isComplete
        if UTF8Validator.isValid(bytes) != wanted || inPieces != wanted { Issue.record("\(Array(bytes)), cut at \(cut): \(!wanted)") }
      }
    }
    for lead: UInt8 in 0xEF...0xFF {
      for second in UInt8.min...UInt8.max {
        for place in 0..<8 {
          let text = Array(repeating: UInt8(ascii: "a"), count: place) + [lead, second, 0x80, 0xBF] + Array("aaaaaaa".utf8)
          check(text, cutAt: place + Int(second & 3))
        }
      }
    }
    let characters = ["a", "~", "\u{7F}", "\u{80}", "é", "\u{7FF}", "\u{800}", "字", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{10000}", "😀", "\u{10FFFF}"]
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var text: [UInt8] = []
      let first = Int.random(in: 0..<characters.count, using: &random)
      for _ in 0..<Int.random(in: 1...24, using: &random) {
        // Runs of one kind, and all kinds.
        text += Array(characters[Bool.random(using: &random) ? first : Int.random(in: 0..<characters.count, using: &random)].utf8)
      }
      if Bool.random(using: &random) {
        text[Int.random(in: 0..<text.count, using: &random)] = [0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xE0, 0xED, 0xF0, 0xF4, 0xF5, 0xFF].randomElement(using: &random) ?? 0
      }
      check(text, cutAt: Int.random(in: 0...text.count, using: &random))
    }
  }

  @Test(arguments: [0, 125, 126, 65_535, 65_536])
  func headersAreOfTheShortestForm(count: Int) {
    let payload = [UInt8](repeating: 1, count: count)
    let frame = payload.withUnsafeBytes { FrameWriter.frame(.binary, payload: $0) }
    #expect(frame.count == count + (count < 126 ? 2 : count < 65_536 ? 4 : 10))
    #expect(parse(frame, role: .client) == [.binary(payload)])
  }

  @Test func aCloseReasonIsCutAtACharacter() {
    let payload = FrameWriter.closePayload(.normal, reason: String(repeating: "\u{20AC}", count: 60))
    #expect(payload.count == 125 && payload.withUnsafeBytes { UTF8Validator.isValid(.init(rebasing: $0[2...])) })
  }
}
