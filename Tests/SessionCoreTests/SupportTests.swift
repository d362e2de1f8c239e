import SessionCore
import Testing

@Suite struct SupportTests {
  static func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

  @Test func sha256OfTheStandard() {
    // FIPS 180-4 examples: one block, two blocks, none
    #expect(Self.hex(SHA256.digest(Array("abc".utf8))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    #expect(Self.hex(SHA256.digest(Array(two.utf8))) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(Self.hex(SHA256.digest([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test func chaCha20OfTheRFC() {
    // RFC 8439 appendix A.1, test vectors 1 and 2: key, nonce 0; counter 0 and 1
    var generator = ChaChaGenerator(seed: [0, 0, 0, 0, 0, 0, 0, 0])
    #expect(Self.hex(generator.bytes(16)) == "76b8e0ada0f13d90405d6ae55386bd28")
    _ = generator.bytes(48)
    #expect(Self.hex(generator.bytes(16)) == "9f07e7be5551387a98ba977c732d080d")
  }

  @Test func identifiersReadBackAndHaveOneSpelling() {
    var random = ChaChaGenerator(seed: 7)
    for _ in 0..<200 {
      let sid = SessionID(high: random.next(), low: random.next())
      #expect(SessionID(sid.description) == sid && sid.description.utf8.count == 24)
    }
    for text in ["", "s_", "c_AAAAAAAAAAAAAAAAAAAAAA", "s_AAAAAAAAAAAAAAAAAAAAAB", "s_AAAAAAAAAAAAAAAAAAAAA!", "s_AAAAAAAAAAAAAAAAAAAAAAA"] {
      #expect(SessionID(text) == nil)
    }
    #expect(parseHexDigits(hexDigits(0xdead_beef)) == 0xdead_beef)
    for text in ["", "DEADBEEFDEADBEEF", "+000000000000000", "00000000000000000"] { #expect(parseHexDigits(text) == nil) }
  }

  @Test func identifiersAreBase64URLOfTheirBits() {
    // RFC 4648 section 5: six bits a character, from the highest on; the last two bits have one of their own.
    #expect(SessionID(high: 0, low: 0).description == "s_AAAAAAAAAAAAAAAAAAAAAA")
    #expect(SessionID(high: .max, low: .max).description == "s_" + String(repeating: "_", count: 21) + "w")
    let bits = SessionID(high: 0x0010_8310_5187_2092, low: 0x8B30_D38F_4114_9351)
    #expect(bits.description == "s_ABCDEFGHIJKLMNOPQRSTUQ")
    for (high, low) in [(1, 0), (0, 1), (0x8000_0000_0000_0000, 0), (15, 0xC000_0000_0000_0000)] as [(UInt64, UInt64)] {
      let sid = SessionID(high: high, low: low)
      #expect(SessionID(sid.description) == sid)
    }
  }

  @Test func hexDigitsAreSixteenLowerCaseOnes() {
    #expect(hexDigits(0) == "0000000000000000")
    #expect(hexDigits(.max) == "ffffffffffffffff")
    #expect(hexDigits(0x0123_4567_89AB_CDEF) == "0123456789abcdef")
    #expect(hexDigits(0xFEDC_BA98_7654_3210) == "fedcba9876543210")
    var random = ChaChaGenerator(seed: 11)
    for _ in 0..<200 {
      let value = random.next()
      #expect(hexDigits(value) == String(repeating: "0", count: 16 - String(value, radix: 16).count) + String(value, radix: 16))
      #expect(parseHexDigits(hexDigits(value)) == value)
    }
  }

  @Test func textsAreCutByBytesAndBetweenCharacters() {
    #expect("abc".cut(toByteCount: 3) == "abc" && "abcd".cut(toByteCount: 3) == "abc" && "".cut(toByteCount: 0) == "")
    #expect("€€".cut(toByteCount: 5) == "€" && "€€".cut(toByteCount: 2) == "" && "a😀".cut(toByteCount: 4) == "a")
    let letter = "a" + String(repeating: "\u{301}", count: 100_000)
    #expect(letter.count == 1)
    #expect(letter.cut(toByteCount: 64).utf8.count == 63)
  }

  @Test func namesAreComparedByTheirBytes() {
    #expect("é" == "e\u{301}" && !"é".isSameName(as: "e\u{301}"))
    // As many bytes, and canonically equivalent too: two marks in another order.
    #expect("a\u{323}\u{307}" == "a\u{307}\u{323}" && !"a\u{323}\u{307}".isSameName(as: "a\u{307}\u{323}"))
    #expect("".isSameName(as: "") && "lobby".isSameName(as: "lobby") && !"lobby".isSameName(as: "lobbz"))
    #expect(String(repeating: "x", count: 128).isSameName(as: String(repeating: "x", count: 128)))
  }

  @Test func aCacheCountsWhatItsKeysHold() {
    var cache = TailCache<Int>(maxCount: 100, maxByteCount: 100)
    for key in 0..<10 { cache.insert([UInt8](repeating: 0, count: 10), for: key, keyByteCount: 40) }
    #expect(cache.count == 2 && cache[8] != nil && cache[9] != nil)
    cache.removeAll()
    #expect(cache.count == 0 && cache[9] == nil)
    for key in 0..<4 { cache.insert([UInt8](repeating: 0, count: 25), for: key) }
    #expect(cache.count == 4)
  }

  @Test func timeDoesNotWrap() {
    #expect(Instant(nanoseconds: 5).advanced(byMilliseconds: 2) == Instant(nanoseconds: 2_000_005))
    #expect(Instant(nanoseconds: 5).advanced(byMilliseconds: .max) == .never)
    #expect(Instant.zero.milliseconds(since: Instant(nanoseconds: 9)) == 0)
  }
}

@Suite("Dispatcher")
struct DispatcherPrefixTests {
  @Test func `a name beats a prefix, and the longest prefix wins`() {
    var dispatcher = Dispatcher()
    let handler = { HandlerID(rawValue: $0) }
    dispatcher.on(prefix: "", handler(0))
    dispatcher.on(prefix: "order.item.", handler(2))
    dispatcher.on(prefix: "order.", handler(1))
    dispatcher.on("order.create", versions: 2...3, handler(3))
    dispatcher.fallback = handler(9)
    #expect(dispatcher.decide("order.item.add", version: 7) == .handler(handler(2)))
    #expect(dispatcher.decide("order.items", version: 1) == .handler(handler(1)))
    #expect(dispatcher.decide("order", version: 1) == .handler(handler(0)))
    #expect(dispatcher.decide("order.create", version: 2) == .handler(handler(3)))
    #expect(dispatcher.decide("order.create", version: 1) == .unsupportedVersion(supported: [2, 3]))
  }

  @Test func `without a prefix that fits, the fallback takes it`() {
    var dispatcher = Dispatcher()
    dispatcher.on(prefix: "order.", HandlerID(rawValue: 1))
    #expect(dispatcher.decide("other", version: 1) == .unknown)
    dispatcher.fallback = HandlerID(rawValue: 2)
    #expect(dispatcher.decide("other", version: 1) == .handler(HandlerID(rawValue: 2)))
  }
}
