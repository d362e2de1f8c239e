import Testing

import WebSocketFrames

@Suite struct WebSocketURLTests {
  /// URL, what to connect to, `Host`, target.
  static let good: [(String, isSecure: Bool, String, Int, hostField: String, target: String)] = [
    ("ws://localhost", false, "localhost", 80, "localhost", "/"),
    ("WSS://Example.COM", true, "example.com", 443, "example.com", "/"),
    ("ws://a:80/", false, "a", 80, "a", "/"),
    ("wss://a:80/x", true, "a", 80, "a:80", "/x"),
    ("ws://127.0.0.1:65535/a/b%20c?d=e&f=/?", false, "127.0.0.1", 65_535, "127.0.0.1:65535", "/a/b%20c?d=e&f=/?"),
    ("ws://my_host-1?q", false, "my_host-1", 80, "my_host-1", "/?q"),
    ("ws://a/?", false, "a", 80, "a", "/?"),
    ("wss://[2001:DB8::1]:8443/x", true, "2001:db8::1", 8_443, "[2001:db8::1]:8443", "/x"),
    ("ws://[::ffff:1.2.3.4]", false, "::ffff:1.2.3.4", 80, "[::ffff:1.2.3.4]", "/"),
    ("ws://a/@:!$&'()*+,;=-._~", false, "a", 80, "a", "/@:!$&'()*+,;=-._~"),
  ]

  @Test(arguments: good.indices)
  func goodURLs(index: Int) throws {
    let (text, isSecure, host, port, hostField, target) = Self.good[index]
    let url = try WebSocketURL(text)
    #expect(url.isSecure == isSecure && url.host == host && url.port == port, "\(text)")
    #expect(url.hostField == hostField && url.target == target, "\(text)")
  }

  @Test(arguments: [
    ("unix:/run/a.sock", "/run/a.sock", "/ws", "unix:/run/a.sock"),
    ("ws+unix:///run/a b.sock:/x?y=a:/b", "/run/a b.sock", "/x?y=a:/b", "unix:/run/a b.sock:/x"),
    ("WS+UNIX://a:b", "a:b", "/ws", "unix:a:b"), ("unix:./s:/", "./s", "/", "unix:./s:/"),
  ])
  func unixSockets(text: String, path: String, target: String, description: String) throws {
    let url = try WebSocketURL(text)
    #expect(url.unixPath == path && url.target == target && "\(url)" == description)
    #expect(!url.isSecure && url.hostField == "localhost")
  }

  @Test(arguments: [
    ("unix:", WebSocketURLError.badSocket), ("unix::/x", .badSocket), ("unix:a\u{0}b", .badSocket),
    ("unix:a\nb", .badSocket), ("unix:a:/ b", .unescaped), ("unix:a:/#", .fragment),
    ("unix:" + String(repeating: "x", count: 108), .longSocket(byteCount: 108)),
  ])
  func badUnixSockets(text: String, error: WebSocketURLError) {
    #expect(throws: error, "\(text)") { try WebSocketURL(text) }
  }

  @Test func aNetworkHasNoSocket() throws {
    #expect(try WebSocketURL("ws://unix/").unixPath == nil)
    #expect(try WebSocketURL("unix:" + String(repeating: "x", count: 107)).unixPath?.utf8.count == 107)
  }

  @Test(arguments: [
    ("", WebSocketURLError.scheme), ("localhost:80", .scheme), ("http://a", .scheme), ("ws:/a", .scheme),
    ("ws:a", .scheme), ("wss:", .scheme), (" ws://a", .scheme),
    ("ws://user:secret@a/", .userInfo), ("ws://@a", .userInfo),
    ("ws://a/#", .fragment), ("ws://a#b", .fragment),
    ("ws://", .missingHost), ("ws:///path", .missingHost), ("ws://:80", .missingHost),
    ("ws://a b", .badHost), ("ws://\u{fc}.example", .badHost), ("ws://a%41", .badHost), ("ws://a\\b", .badHost),
    ("ws://[::1", .badHost), ("ws://[]", .badHost), ("ws://[1.2.3.4]", .badHost), ("ws://[::1]x", .badHost),
    ("ws://[fe80::1%25eth0]", .badHost), ("ws://]", .badHost),
    ("ws://a:", .badPort), ("ws://a:0", .badPort), ("ws://a:65536", .badPort), ("ws://a:+1", .badPort),
    ("ws://a:99999999999999999999", .badPort), ("ws://a:1:2", .badPort), ("ws://::1", .missingHost),
    ("ws://a/b c", .unescaped), ("ws://a/\u{e9}", .unescaped), ("ws://a/\r\nHost: b", .unescaped),
    ("ws://a/%", .unescaped), ("ws://a/%2", .unescaped), ("ws://a/?%zz", .unescaped), ("ws://a/<>", .unescaped),
  ])
  func badURLs(text: String, error: WebSocketURLError) {
    #expect(throws: error, "\(text)") { try WebSocketURL(text) }
    #expect(!"\(error)".contains("secret"))
  }

  @Test func theQueryIsNotShown() throws {
    let url = try WebSocketURL("ws://a:1/b?token=secret")
    #expect("\(url)" == "ws://a:1/b")
  }
}

@Suite struct PercentCodingTests {
  @Test(arguments: [
    ("lobby", "lobby"), ("a/b c", "a%2Fb%20c"), ("\u{20AC}%", "%E2%82%AC%25"), ("-._~+", "-._~%2B"), ("", ""),
  ])
  func encodedAndBack(text: String, encoded: String) {
    #expect(PercentCoding.encode(text) == encoded)
    #expect(PercentCoding.decode(encoded) == text)
  }

  @Test(arguments: ["%", "%4", "a%", "%zz", "%+1", "%C3", "%FF", "%E2%82", "%ED%A0%80"])
  func badEscapes(text: String) {
    #expect(PercentCoding.decode(text) == nil)
  }

  @Test func whatNeedsNoEscapeStays() {
    #expect(PercentCoding.decode("a+b/c".dropFirst(2)) == "b/c")
    #expect(PercentCoding.decode("%2f%2F\u{e9}") == "//\u{e9}")
  }
}

@Suite("HTTPURL")
struct HTTPURLTests {
  @Test func `what is requested and what is shown`() throws {
    let url = try HTTPURL("HTTPS://Example.com:8443/a/b?key=secret")
    #expect(url.text == "https://example.com:8443/a/b?key=secret")
    #expect("\(url)" == "https://example.com:8443/a/b")
    #expect(url.isSecure && !url.isLoopback && url.host == "example.com")
    #expect(try HTTPURL("http://[::1]").text == "http://[::1]/")
    #expect(try HTTPURL("http://127.0.0.1:80/x").isLoopback)
  }

  @Test(arguments: [
    "", "ws://h/", "http:/h", "http://", "http://ann:hush@h/", "http://h/#x", "http://h:0/", "http://h:x/", "http://h/ü",
    "http://h h/",
  ])
  func `anything else is refused without being repeated`(_ text: String) {
    let fault = #expect(throws: HTTPURL.Fault.self) { try HTTPURL(text) }
    #expect(fault?.description.contains("hush") == false)
    #expect(fault?.description.contains("ws://") == false)
  }
}
