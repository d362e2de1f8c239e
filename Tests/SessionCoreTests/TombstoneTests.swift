import SessionCore
import SessionSimulator
import Testing

/// The last word on sessions that are gone: told to who has the token, for a while.
@Suite struct TombstoneTests {
  private static func welcome(_ world: World, _ resume: String = "null") throws -> (wire: Wire, payload: JSONValue) {
    let wire = world.connect(node: 0)
    world.send(#"{"v":2,"type":"hello","payload":{"versions":[2],"resume":\#(resume)}}"#, on: wire)
    world.settle()
    let message = try JSONValue(parsing: Array(try #require(wire.read()).utf8))
    return (wire, try #require(message["payload"]))
  }

  private static func resume(_ payload: JSONValue, token: String? = nil) throws -> String {
    let text = { (name: String) in try #require(payload[name]?.stringValue) }
    return #"{"sid":"\#(try text("sid"))","token":"\#(try token ?? text("token"))","epoch":"\#(try text("epoch"))","ack":0}"#
  }

  @Test(arguments: [1, 3])
  func whatBecameOfASessionIsToldForAWhile(shardCount: Int) throws {
    var limits = Limits()
    limits.tombstoneTTLMilliseconds = 5_000
    let world = World(shardCount: shardCount, limits: limits, seed: 3)
    let (wire, payload) = try Self.welcome(world)
    world.send(#"{"v":2,"type":"bye"}"#, on: wire)
    world.settle()
    let reason = { (token: String?) in
      try Self.welcome(world, try Self.resume(payload, token: token)).payload["reason"]?.stringValue
    }
    #expect(try reason(nil) == "ended")
    // Whoever cannot name the token learns nothing.
    for token in ["", "x", String(repeating: "A", count: 43)] { #expect(try reason(token) == "token") }
    world.run(forMilliseconds: 4_900)
    #expect(try reason(nil) == "ended")
    // Nothing else has to happen for it to be forgotten.
    world.run(forMilliseconds: 1_200)
    #expect(try reason(nil) == "unknown")
  }
}
