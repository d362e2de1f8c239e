import NIOCore
import SessionCore
import SessionServer
import Testing
import WebSocketFrames

@Suite("Addresses")
struct AddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("::1", "::1"), ("::ffff:192.0.2.1", "192.0.2.1"),
    ("2001:db8:0:0:0:0:0:1", "2001:db8::1"), ("::", "::"), ("0.0.0.0", "0.0.0.0"),
  ])
  func `an address is read and written`(text: String, written: String) {
    #expect(IPAddress(text)?.description == written)
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "0x7f.0.0.1", " 1.2.3.4", "1.2.3.4 ", "[::1]", "::1%lo", ":::1",
    "1.2.3.4\0", "a.b.c.d", "2001:db8::1::2", "12345::", String(repeating: "1", count: 100),
  ])
  func `what is no address`(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3/8", "10.9.9.9", true),
    ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("0.0.0.0/0", "203.0.113.9", true),
    ("0.0.0.0/0", "::1", false), ("::/0", "2001:db8::1", true), ("::/0", "192.0.2.1", false),
    ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
    ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
    ("2001:db8::1/128", "2001:db8::1", true), ("192.0.2.128/25", "192.0.2.127", false),
    ("10.0.0.0/8", "::ffff:10.1.1.1", true),
  ])
  func `a range holds what begins as it does`(range: String, address: String, isIn: Bool) throws {
    let (range, address) = (try #require(AddressRange(range)), try #require(IPAddress(address)))
    #expect(range.contains(address) == isIn)
  }

  @Test(arguments: ["", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "x/8"])
  func `what is no range`(text: String) {
    #expect(AddressRange(text) == nil)
  }

  @Test func `a 64 of IPv6 is one neighbourhood, an IPv4 address is its own`() {
    #expect(IPAddress("2001:db8::1:2:3:4")?.neighbourhood == IPAddress("2001:db8::9")?.neighbourhood)
    #expect(IPAddress("2001:db8:0:1::1")?.neighbourhood != IPAddress("2001:db8::1")?.neighbourhood)
    #expect(IPAddress("192.0.2.1")?.neighbourhood != IPAddress("192.0.2.2")?.neighbourhood)
  }

  @Test func `this machine`() {
    #expect(["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"].allSatisfy { IPAddress($0)?.isLoopback == true })
    #expect(["128.0.0.1", "::2", "126.0.0.1", "::"].allSatisfy { IPAddress($0)?.isLoopback == false })
  }
}

@Suite("PROXY headers")
struct ProxyHeaderTests {
  private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

  private static func header(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
    signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 0xFF)] + rest
  }

  private static let whole = header(0x21, 0x11, [203, 0, 113, 9, 10, 0, 0, 1, 0x12, 0x34, 1, 0xBB, 4, 0, 1, 9])

  @Test func `each part of a header wants more, and what follows it is not of it`() {
    for count in 0..<ProxyHeaderTests.whole.count {
      #expect(ProxyHeader.read(ProxyHeaderTests.whole.prefix(count)) == .needsMore, "\(count)")
    }
    let expected = ProxyHeader.Reading.header(
      client: IPAddress("203.0.113.9").map { .internet($0, port: 0x1234) }, byteCount: ProxyHeaderTests.whole.count)
    #expect(ProxyHeader.read(ProxyHeaderTests.whole + [1, 2, 3]) == expected)
  }

  @Test func `whatever comes, an answer comes`() {
    var random = ChaChaGenerator(seed: [1, 2, 3, 4, 5, 6, 7, 8])
    for _ in 0..<20_000 {
      var bytes = ProxyHeaderTests.whole
      for _ in 0...random.next() % 3 {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      let part = bytes.prefix(Int(random.next() % UInt64(bytes.count + 1)))
      if case .header(_, let count) = ProxyHeader.read(part) { #expect(count <= part.count && count >= 16) }
    }
  }

  @Test func `a header that can only become wrong is refused at once`() {
    #expect(ProxyHeader.read(Array("PROXY TCP4".utf8)) == .malformed(""))
    #expect(ProxyHeader.read(Array("GET / HTTP/1.1\r\n".utf8)) == .malformed(""))
    #expect(ProxyHeader.read([13, 10, 13, 10, 1]) == .malformed(""))
    #expect(ProxyHeader.read(ProxyHeaderTests.signature + [0x21, 0x11, 0xFF, 0xFF]) == .malformed(""))
    #expect(ProxyHeader.read(ProxyHeaderTests.signature + [0x21, 0x11, 0, 11]) == .malformed(""))
  }
}

@Suite("Rates")
struct RateTests {
  private func instant(_ milliseconds: UInt64) -> Instant { Instant.zero.advanced(byMilliseconds: 1_000_000 + milliseconds) }

  @Test func `a burst, then the rate`() {
    var meter = PaceMeter()
    let limit = RateLimit(perSecond: 10, burst: 5)
    for _ in 0..<5 { #expect(meter.charge(1, limit, instant(0)) == 0) }
    #expect(meter.charge(1, limit, instant(0)) == 100_000_000)
    #expect(meter.debt(limit, instant(60)) == 40_000_000)
    #expect(meter.debt(limit, instant(100)) == 0)
    #expect(meter.charge(1, limit, instant(100)) == 100_000_000)
    #expect(meter.isEmpty(limit, instant(900)))
  }

  @Test func `what is refused costs nothing`() {
    var meter = PaceMeter()
    let limit = RateLimit(perSecond: 1, burst: 1)
    let first = meter.take(limit, instant(0))
    let refused = (0..<100).map { _ in meter.take(limit, instant(500)) }
    let next = meter.take(limit, instant(1_000))
    #expect(first && next && !refused.contains(true))
  }

  @Test func `amounts of any size`() {
    var meter = PaceMeter()
    let slow = RateLimit(perSecond: 1, burst: 1)
    #expect(meter.charge(.max, slow, instant(0)) > 0)
    var fast = PaceMeter()
    let limit = RateLimit(perSecond: 1 << 40, burst: 1 << 40)
    #expect(fast.charge(1 << 30, limit, instant(0)) == 0)
  }
}
