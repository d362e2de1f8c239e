import SessionCore
import SessionSimulator
import Testing

/// Who may come in, how often and for how long: PROTOCOL.md, "The order of decisions" and "Bounds".
@Suite struct AdmissionTests {
  private func scene(shardCount: Int = 2, _ change: (inout Limits) -> Void) -> Scene {
    var limits = Limits()
    change(&limits)
    return Scene(shardCount: shardCount, limits: limits)
  }

  private func refusal(_ wire: Wire, _ scene: Scene) -> JSONValue { scene.hear(wire)["payload"] ?? .null }

  // MARK: Takeovers

  @Test(arguments: [0, 1]) func connectionsThatFightOverASessionAreStopped(node: Int) {
    let scene = scene {
      $0.takeoverCount = 3
      $0.takeoverWindowMilliseconds = 3_000
    }
    var (wire, welcome) = scene.join()
    for _ in 0..<3 {
      let next = scene.resume(welcome, ack: 0, node: node)
      #expect(wire.closeCode == 4504 && next.welcome["resumed"] == true)
      (wire, welcome) = next
    }
    let late = scene.resume(welcome, ack: 0, node: node)
    #expect(late.wire.closeCode == 4505 && late.welcome["code"] == "takeover.limit")
    #expect(wire.closeCode == nil)
    #expect((0...1).reduce(0) { $0 + scene.world.counters($1).takeoversRefused } == 1)
    // A place becomes free with each third of the window; a session that nobody has is anybody's.
    scene.world.run(forMilliseconds: 1_001)
    let again = scene.resume(welcome, ack: 0, node: node)
    #expect(again.welcome["resumed"] == true)
    scene.drop(again.wire)
    #expect(scene.resume(again.welcome, ack: 0, node: 1 - node).welcome["resumed"] == true)
  }

  @Test func aClientThatTakesItsOwnSessionAThousandTimesIsLetAlone() {
    let scene = scene { _ in }
    var (wire, welcome) = scene.join()
    for turn in 0..<1_000 {
      (wire, welcome) = scene.resume(welcome, ack: 0, node: turn % 2)
      #expect(welcome["resumed"] == true)
    }
    #expect(wire.closeCode == nil && scene.world.sessions.map(\.generation) == [1_001])
  }

  // MARK: Sessions of a user

  @Test func aUserHasSoManySessions() {
    let scene = scene(shardCount: 3) { $0.sessionsPerUser = 2 }
    let ann = #","auth":{"scheme":"none","credential":"ann"}"#
    let (first, welcome) = scene.join(ann, node: 0)
    let (second, _) = scene.join(ann, node: 1)
    scene.drop(first)
    let (third, error) = scene.join(ann, node: 2)
    #expect(third.closeCode == 1013 && error["code"] == "session.limit" && error["retry"] == "later")
    #expect(error["retry_after_ms"]?.unsignedValue ?? 0 > 0)
    // Others are not concerned, and neither is who comes back.
    #expect(scene.join(#","auth":{"scheme":"none","credential":"bob"}"#, node: 2).welcome["resumed"] == false)
    let ack = #","resume":{"sid":"\#(welcome["sid"]?.stringValue ?? "")","token":"\#(welcome["token"]?.stringValue ?? "")","epoch":"\#(welcome["epoch"]?.stringValue ?? "")","ack":0}"#
    #expect(scene.join(ann + ack, node: 1).welcome["resumed"] == true)
    scene.say(#"{"v":2,"type":"bye"}"#, second)
    #expect(scene.join(ann, node: 0).welcome["resumed"] == false)
    #expect((0...2).reduce(0) { $0 + scene.world.counters($1).sessionsRefused } == 1)
  }

  /// All at once, on all shards, with delays between them: never one more than may be, and never one less.
  @Test(arguments: 1...20) func theLastPlaceIsTakenOnce(seed: UInt64) {
    var limits = Limits()
    limits.sessionsPerUser = 5
    let delays = World.Delays(link: 0...3_000, wire: 0...2_000, hook: 0...2_000, notice: 0...2_000)
    let world = World(shardCount: 3, limits: limits, delays: delays, seed: seed)
    let hello = #"{"v":2,"type":"hello","payload":{"versions":[2],"auth":{"scheme":"none","credential":"ann"}}}"#
    let wires = (0..<20).map { _ in world.connect() }
    for wire in wires { world.send(hello, on: wire) }
    // Some do not wait for their answer; their places are free again.
    world.run(forMilliseconds: 3)
    for wire in wires.prefix(6) { world.drop(wire, noticeAfterMicroseconds: 500) }
    world.run(forMilliseconds: 100)
    #expect(world.sessions.count <= 5)
    for wire in (0..<5).map({ _ in world.connect() }) { world.send(hello, on: wire) }
    world.run(forMilliseconds: 100)
    #expect(world.sessions.count == 5)
  }

  // MARK: Hellos

  @Test func aCrowdIsToldToComeBackAsAQueue() {
    let scene = scene(shardCount: 1) {
      $0.helloRatePerSecond = 10
      $0.helloBurstCount = 5
    }
    let waits = (0..<25).compactMap { _ in scene.join().welcome["retry_after_ms"]?.unsignedValue }
    #expect(waits.count == 20 && scene.world.sessions.count == 5)
    #expect(Set(waits).count > 15)
    // The last of them has to let the others go first: 2 s at 10 a second.
    #expect(waits.allSatisfy { 100 <= $0 && $0 < 10_000 } && waits.last ?? 0 >= 2_000)
    #expect(scene.world.counters(0).hellosRefused == 20)
    scene.world.run(forMilliseconds: 101)
    #expect(scene.join().welcome["resumed"] == false)
  }

  @Test func soManyWaitForTheAuthenticator() {
    let bench = ShardBench { $0.helloPendingCount = 2 }
    let slots = (0..<3).map { _ in bench.hello() }
    #expect(bench.questions.count == 2)
    #expect(bench.closes == ["\(slots[2].index) 1013"])
    bench.answer(0, .authenticated(Principal(user: "ann")))
    // One that goes without its answer gives its place back too, once.
    bench.closed(slots[1])
    bench.answer(1, .authenticated(Principal(user: "ann")))
    _ = (0..<3).map { _ in bench.hello() }
    #expect(bench.questions.count == 4)
    #expect(bench.shard.counters.hellosRefused == 2)
  }

  // MARK: Credentials

  @Test func aCredentialEndsWithNotice() {
    let scene = scene {
      $0.credentialMaxAgeMilliseconds = 100_000
      $0.credentialNoticeMilliseconds = 30_000
      $0.pingIntervalMilliseconds = 1_000_000
    }
    let (wire, welcome) = scene.join()
    #expect(scene.types(wire) == ["live"])
    scene.world.run(forMilliseconds: 69_999)
    #expect(scene.types(wire) == [])
    scene.world.run(forMilliseconds: 1)
    #expect(scene.hear(wire)["payload"] == ["state": "expiring", "in_ms": 30_000])
    scene.world.run(forMilliseconds: 30_000)
    #expect(wire.closeCode == 4200 && scene.world.sessions.count == 1)
    let (next, again) = scene.resume(welcome, ack: 0, node: 1)
    #expect(again["resumed"] == true)
    scene.world.run(forMilliseconds: 70_000)
    #expect(scene.types(next) == ["live", "session"])
  }

  @Test func theNoticeOfAShortCredentialComesAtItsHalf() {
    let bench = ShardBench { _ in }
    let slot = bench.hello()
    bench.answer(0, .authenticated(Principal(user: "ann", validForMilliseconds: 1_000)))
    #expect(bench.types(slot) == ["welcome", "live"])
    bench.advance(499)
    #expect(bench.types(slot) == [])
    bench.advance(1)
    #expect(bench.types(slot) == ["session"])
    bench.advance(500)
    #expect(bench.closes == ["0 4200"] && bench.shard.counters.credentialsExpired == 1)
  }

  @Test func aCredentialThatHasExpiredIsNone() {
    let bench = ShardBench { _ in }
    let slot = bench.hello()
    bench.answer(0, .authenticated(Principal(user: "ann", validForMilliseconds: 0)))
    #expect(bench.closes == ["0 4503"] && bench.types(slot) == ["error"])
  }

  /// The connection that was told is gone; the next one has a credential of its own.
  @Test func theEndOfAnOlderCredentialDoesNotConcernTheNextConnection() {
    let bench = ShardBench { _ in }
    let first = bench.hello()
    bench.answer(0, .authenticated(Principal(user: "ann", validForMilliseconds: 1_000)))
    let welcome = bench.welcome(first)
    let second = bench.hello(resuming: welcome)
    bench.answer(1, .authenticated(Principal(user: "ann")))
    bench.advance(2_000)
    #expect(bench.closes == ["0 4504"] && bench.types(second).contains("live"))
  }

  // MARK: Revocation

  @Test func aUsersSessionsEndWhereverTheyAre() {
    let scene = scene(shardCount: 3) { _ in }
    let ann = #","auth":{"scheme":"none","credential":"ann"}"#
    let active = (0...2).map { scene.join(ann, node: $0) }
    let (gone, welcome) = scene.join(ann, node: 1)
    scene.drop(gone)
    let (bob, _) = scene.join(#","auth":{"scheme":"none","credential":"bob"}"#)
    let token = scene.world.execute(.kickUser("ann", reason: "spam"), node: 2)
    scene.world.settle()
    #expect(scene.world.results[token] == .done(4))
    for (wire, _) in active {
      #expect(wire.closeCode == 4507 && scene.types(wire) == ["live", "session"])
    }
    #expect(bob.closeCode == nil && scene.world.sessions.map(\.user) == ["bob"])
    let text = { welcome[$0]?.stringValue ?? "" }
    let (_, late) = scene.join(
      ann + #","resume":{"sid":"\#(text("sid"))","token":"\#(text("token"))","epoch":"\#(text("epoch"))","ack":0}"#)
    #expect(late["reason"] == "ended")
    let again = scene.world.execute(.kickUser("nobody", reason: "spam"))
    scene.world.settle()
    #expect(scene.world.results[again] == .notFound)
  }

  // MARK: The budget of all outboxes

  /// What makes a session wait may be others' doing, and over before it has anything new to acknowledge.
  @Test func aWaitingSessionGoesOnWhenOthersHaveMadeRoom() {
    let bench = ShardBench { $0.outboxTotalByteCount = 1_024 }
    let slot = bench.enter()
    bench.say(#"{"v":2,"seq":1,"ack":0,"type":"event","event":"work","payload":1}"#, slot)
    bench.finish(0, .reply(Array("1".utf8)))
    #expect(bench.types(slot) == ["welcome", "live", "reply"])
    bench.shard.outboxByteCountElsewhere = 1 << 20
    bench.say(#"{"v":2,"seq":2,"ack":0,"type":"event","event":"work","payload":2}"#, slot)
    #expect(bench.deliveries.count == 1)
    bench.shard.outboxByteCountElsewhere = 0
    bench.say(#"{"v":2,"ack":0,"type":"ack","payload":{}}"#, slot)
    #expect(bench.deliveries.count == 2)
  }

  @Test func theLargestOutboxGivesWayAndTheOthersKeepTheirs() {
    let scene = scene(shardCount: 1) { $0.outboxTotalByteCount = 100_000 }
    let (slow, slowWelcome) = scene.join()
    let (quick, quickWelcome) = scene.join()
    scene.drop(slow)
    scene.drop(quick)
    let send = { (welcome: JSONValue, count: Int) in
      guard let sid = welcome["sid"]?.stringValue.flatMap({ SessionID($0) }) else { return }
      for _ in 0..<count {
        _ = scene.world.execute(
          .send(.session(sid), event: "x", eventVersion: 1, payload: Array(#""\#(String(repeating: "x", count: 900))""#.utf8)))
      }
      scene.world.settle()
    }
    send(slowWelcome, 300)
    send(quickWelcome, 10)
    let sessions = scene.world.sessions.sorted { $0.outboxMessages < $1.outboxMessages }
    #expect(sessions[0].outboxMessages == 10 && sessions[0].dropped == 0)
    #expect(sessions[1].dropped == 300 - UInt64(sessions[1].outboxMessages))
    #expect(sessions.reduce(0) { $0 + $1.outboxBytes } <= 100_000)
    #expect(scene.world.counters(0).budgetDropped == sessions[1].dropped)
    let (_, again) = scene.resume(slowWelcome, ack: 0, node: 0)
    #expect(again["gaps"]?.arrayValue?.count == 1)
    #expect(again["gaps"]?.arrayValue?.first?["count"]?.unsignedValue == sessions[1].dropped)
  }

  /// One that is away and hoards must not slow down those that are there.
  @Test func repliesDoNotWaitForWhatOthersHoard() {
    let scene = scene(shardCount: 1) { $0.outboxTotalByteCount = 100_000 }
    let (slow, slowWelcome) = scene.join()
    scene.drop(slow)
    guard let sid = slowWelcome["sid"]?.stringValue.flatMap({ SessionID($0) }) else { return }
    let payload = Array(#""\#(String(repeating: "x", count: 900))""#.utf8)
    for _ in 0..<300 { _ = scene.world.execute(.send(.session(sid), event: "x", eventVersion: 1, payload: payload)) }
    scene.world.settle()
    let (wire, welcome) = scene.join()
    for seq in 1...100 { scene.say(#"{"v":2,"seq":\#(seq),"type":"event","event":"echo","payload":1}"#, wire) }
    let quick = scene.world.sessions.first { $0.sid.description == welcome["sid"]?.stringValue }
    #expect(quick?.lastIn == 100)
    #expect(scene.world.sessions.reduce(0) { $0 + $1.outboxBytes } <= 100_000)
  }

  /// Replies are never dropped; whoever causes them and does not acknowledge waits while the node is full.
  @Test func repliesWaitWhenAllOutboxesAreFull() {
    let scene = scene(shardCount: 1) { $0.outboxTotalByteCount = 1_024 }
    let (wire, _) = scene.join()
    let text = String(repeating: "x", count: 600)
    for seq in 1...20 { scene.say(#"{"v":2,"seq":\#(seq),"type":"event","event":"echo","payload":"\#(text)"}"#, wire) }
    #expect(scene.world.sessions.map(\.lastIn) == [2])
    for seq in 1...19 { scene.say(#"{"v":2,"ack":\#(seq),"type":"ack"}"#, wire) }
    #expect(scene.world.sessions.map(\.lastIn) == [20])
  }
}
