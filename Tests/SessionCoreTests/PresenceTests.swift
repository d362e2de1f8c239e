import SessionCore
import SessionSimulator
import Testing

/// What members hear of each other's drops: nothing before the grace is over.
@Suite struct PresenceTests {
  private let scene: Scene
  private let watcher: Wire

  init() {
    var limits = Limits()
    limits.presenceGraceMilliseconds = 1_000
    limits.roomRules = [RoomRule(NamePattern("quick"), RoomPolicy(presenceGraceMilliseconds: 10))]
    scene = Scene(limits: limits)
    watcher = scene.join().wire
    for (seq, room) in ["lobby", "quick"].enumerated() {
      scene.say(#"{"v":2,"seq":\#(seq + 1),"type":"join","room":"\#(room)","payload":{"presence":true}}"#, watcher)
    }
  }

  private func member(_ room: String = "lobby") -> (Wire, JSONValue) {
    let (wire, welcome) = scene.join(node: 1)
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"\#(room)"}"#, wire)
    _ = changes()
    return (wire, welcome)
  }

  private func changes() -> [String] {
    var changes: [String] = []
    while case let message = scene.hear(watcher), message != .null {
      if message["type"] == "member" { changes.append(message["payload"]?["change"]?.stringValue ?? "?") }
    }
    return changes
  }

  @Test(arguments: [0, 1]) func whoComesBackInTimeWasNeverAway(node: Int) {
    let (wire, welcome) = member()
    scene.drop(wire)
    scene.world.run(forMilliseconds: 999)
    _ = scene.resume(welcome, ack: 1, node: node)
    scene.world.run(forMilliseconds: 5_000)
    #expect(changes() == [])
  }

  @Test(arguments: [0, 1]) func whoStaysAwayIsToldOnceAndSoIsItsReturn(node: Int) {
    let (wire, welcome) = member()
    scene.drop(wire)
    scene.world.run(forMilliseconds: 1_000)
    #expect(changes() == ["suspended"])
    _ = scene.resume(welcome, ack: 1, node: node)
    scene.world.run(forMilliseconds: 5_000)
    #expect(changes() == ["resumed"])
  }

  @Test func eachDropHasAGraceOfItsOwn() {
    var (wire, welcome) = member()
    for node in [0, 1, 0, 1] {
      scene.drop(wire)
      scene.world.run(forMilliseconds: 600)
      (wire, welcome) = scene.resume(welcome, ack: 1, node: node)
      scene.world.run(forMilliseconds: 100)
    }
    #expect(changes() == [], "the graces of earlier drops ended meanwhile")
    scene.drop(wire)
    scene.world.run(forMilliseconds: 999)
    #expect(changes() == [])
    scene.world.run(forMilliseconds: 1)
    #expect(changes() == ["suspended"])
  }

  @Test func aRoomMayHaveAGraceOfItsOwn() {
    let (wire, _) = member("quick")
    scene.drop(wire)
    scene.world.run(forMilliseconds: 10)
    #expect(changes() == ["suspended"])
  }

  @Test func leftIsAlwaysTold() {
    let (wire, welcome) = member()
    scene.drop(wire)
    let sid = welcome["sid"]?.stringValue.flatMap { SessionID($0) } ?? SessionID(high: 0, low: 0)
    _ = scene.world.execute(.kick(sid, reason: "test"))
    scene.world.settle()
    #expect(changes() == ["left"])
    scene.world.run(forMilliseconds: 5_000)
    #expect(changes() == [], "the grace of who has left is over")
  }

  @Test func theOneWhoAsksLaterHearsOfTheDropWhenItsGraceIsOver() {
    let (wire, _) = member()
    scene.drop(wire)
    scene.world.run(forMilliseconds: 500)
    let late = scene.join(node: 1).wire
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby","payload":{"presence":true}}"#, late)
    _ = scene.types(late)
    scene.world.run(forMilliseconds: 500)
    #expect(scene.types(late) == ["member"])
  }
}
