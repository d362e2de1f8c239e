import SessionCore
import SessionServer
import Testing

@Suite("AdminRoute")
struct AdminRouteTests {
  private let sid = SessionID(high: 1, low: 2)

  private func route(_ method: String, _ path: String, _ query: String? = nil) throws -> AdminRoute {
    try AdminRoute(method: method, path: path, query: query)
  }

  @Test func `every resource has its path`() throws {
    #expect(try route("GET", "/v1/sessions/\(sid)") == .session(sid))
    #expect(try route("GET", "/v1/rooms", "limit=3") == .rooms(limit: 3))
    #expect(try route("GET", "/v1/rooms/a%2Fb") == .room("a/b"))
    #expect(try route("GET", "/v1/stats") == .stats)
    #expect(try route("GET", "/v1/events") == .events(follows: false))
    #expect(try route("GET", "/v1/events", "follow=1") == .events(follows: true))
    #expect(try route("GET", "/metrics") == .metrics)
    #expect(try route("GET", "/healthz") == .health)
    #expect(try route("GET", "/readyz") == .readiness)
    #expect(try route("POST", "/v1/drain", "over_ms=60000") == .drain(overMilliseconds: 60_000))
    #expect(try route("DELETE", "/v1/drain", nil) == .undrain)
    #expect(try route("POST", "/v1/sessions/\(sid)/advise", "after_ms=5") == .advise(sid, afterMilliseconds: 5))
    #expect(try route("DELETE", "/v1/sessions/\(sid)", "reason=be%20nice") == .kick(sid, reason: "be nice"))
  }

  @Test func `sessions can be chosen`() throws {
    let query = "room=a%20b&user=ann&state=active&limit=9"
    guard case .sessions(let filter) = try route("GET", "/v1/sessions", query) else {
      Issue.record("not the list of sessions")
      return
    }
    #expect(filter.room == "a b")
    #expect(filter.user == "ann")
    #expect(filter.state == .active)
    #expect(filter.limit == 9)
  }

  @Test(arguments: [
    ("GET", "/", nil, 404), ("GET", "/v1", nil, 404), ("GET", "/v2/stats", nil, 404), ("GET", "/v1/stats/x", nil, 404),
    ("POST", "/v1/stats", nil, 405), ("POST", "/v1/drain", "over_ms=-1", 400), ("POST", "/v2/drain", nil, 405),
    ("DELETE", "/v1/sessions/s_x", nil, 400), ("DELETE", "/v1/rooms/x", nil, 405), ("GET", "/v1/sessions/s_x", nil, 400),
    ("GET", "/v1/sessions", "limit=-1", 400), ("GET", "/v1/sessions", "state=odd", 400),
    ("GET", "/v1/rooms/%zz", nil, 400), ("GET", "/v1/sessions", "room=%F0", 400),
  ] as [(String, String, String?, Int)])
  func `anything else is refused`(_ method: String, _ path: String, _ query: String?, _ status: Int) {
    let fault = #expect(throws: AdminRoute.Fault.self) { try route(method, path, query) }
    #expect(fault?.status == status)
  }
}

@Suite("MetricsEncoder")
struct MetricsEncoderTests {
  @Test func `families in the text format`() {
    var encoder = MetricsEncoder()
    encoder.add("a_total", .counter, "Back\\slash\nand line.", [.init(3)])
    encoder.add("b", .gauge, "Two.", [.init(1.5, "kind", "x\"y\\z\n"), .init(Double(1 << 52), "kind", "big")])
    let expected = #"""
      # HELP a_total Back\\slash\nand line.
      # TYPE a_total counter
      a_total 3
      # HELP b Two.
      # TYPE b gauge
      b{kind="x\"y\\z\n"} 1.5
      b{kind="big"} 4503599627370496

      """#
    #expect(encoder.text == expected)
  }
}
