import SessionCore
import SessionSimulator
import Testing

/// A server of two shards without any delay, and clients that speak JSON by hand.
final class Scene {
  let world: World

  init(shardCount: Int = 2, limits: Limits = Limits(), application: World.Application = World.Application()) {
    var application = application
    application.dispatcher.on("echo", HandlerID(rawValue: 0))
    application.dispatcher.on("never", HandlerID(rawValue: 1))
    application.handle = { delivery in .reply(delivery.payload) }
    world = World(shardCount: shardCount, limits: limits, application: application, seed: 1)
  }

  /// Connects and says hello; the welcome's payload.
  func join(_ extra: String = "", node: Int = 0, versions: String = "[2]", v: Int = 2) -> (wire: Wire, welcome: JSONValue) {
    let wire = world.connect(node: node)
    say(#"{"v":\#(v),"type":"hello","payload":{"versions":\#(versions)\#(extra)}}"#, wire)
    return (wire, hear(wire)["payload"] ?? .null)
  }

  func resume(
    _ welcome: JSONValue, ack: UInt64, node: Int, token: String? = nil, versions: String = "[2]", v: Int = 2
  ) -> (wire: Wire, welcome: JSONValue) {
    func text(_ key: String) -> String { welcome[key]?.stringValue ?? "" }
    return join(
      #","resume":{"sid":"\#(text("sid"))","token":"\#(token ?? text("token"))","epoch":"\#(text("epoch"))","ack":\#(ack)}"#,
      node: node, versions: versions, v: v)
  }

  func say(_ text: String, _ wire: Wire) {
    world.send(text, on: wire)
    world.settle()
  }

  /// The next message, `null` if there is none.
  func hear(_ wire: Wire) -> JSONValue {
    guard let text = wire.read() else { return .null }
    return (try? JSONValue(parsing: Array(text.utf8))) ?? .string(text)
  }

  /// The types of all that came.
  func types(_ wire: Wire) -> [String] {
    var types: [String] = []
    while case let message = hear(wire), message != .null { types.append(message["type"]?.stringValue ?? "?") }
    return types
  }

  func drop(_ wire: Wire) {
    world.drop(wire)
    world.settle()
  }
}

@Suite struct ShardTests {
  @Test func aNewSessionIsWelcomedAndLive() {
    let scene = Scene()
    let (wire, welcome) = scene.join()
    #expect(welcome["resumed"] == false)
    #expect(welcome["gen"] == 1)
    #expect(welcome["principal"]?["user"] == "anonymous")
    #expect(scene.types(wire) == ["live"])
  }

  @Test func anEventIsAnsweredAndCounted() {
    let scene = Scene()
    let (wire, _) = scene.join()
    _ = scene.hear(wire)
    scene.say(#"{"v":2,"seq":1,"type":"event","event":"echo","id":"a","payload":{"x":1}}"#, wire)
    #expect(wire.read() == #"{"v":2,"seq":1,"ack":1,"type":"reply","re":"a","payload":{"x":1}}"#)
  }

  @Test(arguments: [0, 1]) func aDroppedSessionResumesWithItsReplay(node: Int) {
    let scene = Scene()
    let (first, welcome) = scene.join()
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby"}"#, first)
    #expect(scene.types(first) == ["live", "reply"])
    let (other, _) = scene.join(node: 1)
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby"}"#, other)
    scene.drop(first)
    for seq in 2...4 {
      scene.say(#"{"v":2,"seq":\#(seq),"type":"event","event":"chat","room":"lobby","payload":\#(seq)}"#, other)
    }
    #expect(scene.world.sessions.filter { $0.connection == nil }.count == 1)
    let (second, again) = scene.resume(welcome, ack: 1, node: node)
    #expect(again["resumed"] == true)
    #expect(again["last_in"] == 1)
    #expect(scene.types(second) == ["event", "event", "event", "live"])
    scene.say(#"{"v":2,"seq":5,"type":"event","event":"chat","room":"lobby","payload":5}"#, other)
    let message = scene.hear(second)
    #expect(message["payload"] == 5)
    #expect(message["seq"] == 5)
    #expect(scene.world.sessions.count == 2)
    #expect(scene.world.rooms.map(\.members.count) == [2])
  }

  @Test(arguments: [0, 1]) func theNewestConnectionWins(node: Int) {
    let scene = Scene()
    let (first, welcome) = scene.join()
    _ = scene.types(first)
    let (second, again) = scene.resume(welcome, ack: 0, node: node)
    #expect(again["resumed"] == true)
    #expect(first.closeCode == 4504)
    #expect(scene.types(first) == ["session"])
    #expect(second.closeCode == nil)
    #expect(scene.world.sessions.map(\.generation) == [2])
  }

  @Test func aRetiredTokenRevokesTheSession() {
    let scene = Scene()
    let (first, welcome) = scene.join()
    scene.drop(first)
    let (second, _) = scene.resume(welcome, ack: 0, node: 0)
    scene.say(#"{"v":2,"type":"ack","ack":0}"#, second)
    let thief = scene.resume(welcome, ack: 0, node: 1)
    #expect(thief.wire.closeCode == 4506)
    #expect(second.closeCode == 4506)
    #expect(scene.world.sessions.isEmpty)
  }

  @Test func anotherUsersSessionIsLeftAlone() {
    let scene = Scene()
    let (first, welcome) = scene.join(#","auth":{"scheme":"none","credential":"alice"}"#)
    func text(_ key: String) -> String { welcome[key]?.stringValue ?? "" }
    let (_, other) = scene.join(
      #","auth":{"scheme":"none","credential":"mallory"},"resume":{"sid":"\#(text("sid"))","token":"\#(text("token"))","epoch":"\#(text("epoch"))","ack":0}"#)
    #expect(other["resumed"] == false)
    #expect(other["reason"] == "principal")
    #expect(first.closeCode == nil)
  }

  @Test func aSessionExpiresOnceAndLeavesItsRooms() {
    let scene = Scene()
    let (first, welcome) = scene.join()
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby"}"#, first)
    scene.drop(first)
    scene.world.run(forMilliseconds: 119_999)
    #expect(scene.world.sessions.count == 1)
    scene.world.run(forMilliseconds: 2)
    #expect(scene.world.sessions.isEmpty)
    #expect(scene.world.rooms.isEmpty)
    let (_, late) = scene.resume(welcome, ack: 0, node: 1)
    #expect(late["reason"] == "expired")
    #expect(late["lost"]?["last_in"] == 1)
  }

  @Test(arguments: [
    (#"{"type":"event","event":"echo","payload":1}"#, UInt16(4500), "envelope.malformed"),
    ("{", 4500, "envelope.malformed"),
    (#"{"v":2,"seq":3,"type":"event","event":"echo","payload":1}"#, 4501, "sequence.gap"),
    (#"{"v":2,"type":"event","event":"echo","payload":1}"#, 4501, "sequence.missing"),
    (#"{"v":2,"type":"ack","ack":7}"#, 4501, "ack.invalid"),
    (#"{"v":2,"type":"hello","payload":{"versions":[2]}}"#, 4500, "type.unexpected"),
    (#"{"v":2,"type":"welcome","payload":{}}"#, 4500, "type.unexpected"),
  ]) func aFaultClosesWithItsCode(text: String, code: UInt16, error: String) {
    let scene = Scene()
    let (wire, welcome) = scene.join()
    _ = scene.types(wire)
    scene.say(text, wire)
    #expect(scene.hear(wire)["payload"]?["code"]?.stringValue == error)
    #expect(wire.closeCode == code)
    #expect(scene.resume(welcome, ack: 0, node: 0).welcome["resumed"] == true)
  }

  @Test(arguments: [
    (#"{"v":3,"type":"event","event":"echo","payload":1}"#, "version.unsupported"),
    (#"{"v":1,"type":"event","event":"echo","payload":1}"#, "version.unsupported"),
    (#"{"v":2,"seq":1,"type":"event","event":"nobody","payload":1}"#, "event.unknown"),
    (#"{"v":2,"seq":1,"type":"event","event":"chat","room":"x","payload":1}"#, "room.not_joined"),
    (#"{"v":2,"seq":1,"type":"event","event":"echo","ev":9,"payload":1}"#, "event.version"),
    (#"{"v":2,"seq":1,"type":"event","event":"echo","crit":["x"],"payload":1}"#, "extension.unsupported"),
  ]) func anErrorLeavesTheConnectionOpen(text: String, error: String) {
    let scene = Scene()
    let (wire, _) = scene.join()
    _ = scene.types(wire)
    scene.say(text, wire)
    #expect(scene.hear(wire)["payload"]?["code"]?.stringValue == error)
    #expect(wire.closeCode == nil)
  }

  @Test func aSilentClientIsPingedThenSuspended() {
    let scene = Scene()
    let (wire, _) = scene.join()
    _ = scene.types(wire)
    scene.world.run(forMilliseconds: 25_001)
    #expect(scene.types(wire) == ["ping"])
    scene.world.run(forMilliseconds: 10_100)
    #expect(wire.closeCode == 4002)
    #expect(scene.world.sessions.count == 1)
  }

  @Test func noHelloInTime() {
    let scene = Scene()
    let wire = scene.world.connect()
    scene.world.run(forMilliseconds: 10_001)
    #expect(scene.hear(wire)["payload"]?["code"] == "hello.timeout")
    #expect(wire.closeCode == 4508)
  }

  @Test func versionOneHasNoNumbers() {
    let scene = Scene()
    let (wire, welcome) = scene.join(versions: "[1]", v: 1)
    #expect(welcome["version"] == 1)
    scene.say(#"{"v":1,"type":"event","event":"echo","id":"a","payload":1}"#, wire)
    #expect(wire.received == [#"{"v":1,"type":"reply","re":"a","payload":1}"#])
    scene.say(#"{"v":1,"type":"join","room":"lobby"}"#, wire)
    _ = scene.types(wire)
    scene.drop(wire)
    _ = scene.world.execute(.publish(room: "lobby", RoomEvent(event: "x", payload: Array("1".utf8))))
    scene.world.settle()
    let (_, again) = scene.resume(welcome, ack: 0, node: 1, versions: "[1]", v: 1)
    #expect(again["resumed"] == true)
    #expect(again["missed"] == 1)
  }

  @Test func aDuplicateIsAcknowledgedAgain() {
    let scene = Scene()
    let (wire, _) = scene.join()
    scene.say(#"{"v":2,"seq":1,"type":"event","event":"echo","payload":1}"#, wire)
    _ = scene.types(wire)
    scene.say(#"{"v":2,"seq":1,"type":"event","event":"echo","payload":1}"#, wire)
    #expect(wire.received == [#"{"v":2,"ack":1,"type":"ack","payload":{}}"#])
  }

  @Test func presenceIsTold() {
    var limits = Limits()
    limits.presenceGraceMilliseconds = 0
    let scene = Scene(limits: limits)
    let (watcher, _) = scene.join()
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby","payload":{"presence":true}}"#, watcher)
    let (other, welcome) = scene.join(node: 1)
    scene.say(#"{"v":2,"seq":1,"type":"join","room":"lobby"}"#, other)
    scene.drop(other)
    let (again, _) = scene.resume(welcome, ack: 1, node: 0)
    scene.say(#"{"v":2,"type":"bye","payload":{}}"#, again)
    #expect(again.closeCode == 1000)
    var changes: [String] = []
    while case let message = scene.hear(watcher), message != .null {
      if message["type"] == "member" { changes.append(message["payload"]?["change"]?.stringValue ?? "?") }
    }
    #expect(changes == ["joined", "suspended", "resumed", "left"])
  }

  @Test func aClientThatNeverAcknowledgesIsMadeToWait() {
    var limits = Limits()
    limits.outbox.messageCount = 20
    limits.window.messageCount = 8
    let scene = Scene(limits: limits)
    let (wire, _) = scene.join()
    for seq in 1...100 { scene.say(#"{"v":2,"seq":\#(seq),"type":"event","event":"echo","payload":\#(seq)}"#, wire) }
    #expect(scene.world.sessions.map(\.outboxMessages) == [20])
    #expect(scene.world.sessions.map(\.lastIn) == [20])
    #expect(scene.types(wire).filter { $0 == "reply" }.count == 8)
  }

  @Test func aClientThatKeepsToItsWindowIsReadOn() {
    var limits = Limits()
    limits.outbox.messageCount = 4
    limits.window.messageCount = 8
    let scene = Scene(limits: limits)
    let (wire, _) = scene.join()
    for seq in 1...8 { scene.say(#"{"v":2,"seq":\#(seq),"type":"event","event":"echo","payload":\#(seq)}"#, wire) }
    #expect(scene.types(wire).filter { $0 == "reply" }.count == 4)
    scene.say(#"{"v":2,"ack":4,"type":"ack","payload":{}}"#, wire)
    #expect(scene.types(wire) == ["reply", "reply", "reply", "reply"])
  }

  @Test func anOperatorRevokesASession() {
    let scene = Scene()
    let (wire, welcome) = scene.join()
    _ = scene.types(wire)
    let sid = welcome["sid"]?.stringValue.flatMap { SessionID($0) }
    let token = scene.world.execute(.kick(sid ?? SessionID(high: 0, low: 0), reason: "test"), node: 1)
    scene.world.settle()
    #expect(scene.world.results[token] == .done(1))
    #expect(wire.closeCode == 4507)
    #expect(scene.types(wire) == ["session"])
    #expect(scene.resume(welcome, ack: 0, node: 0).welcome["reason"] == "ended")
  }
}
