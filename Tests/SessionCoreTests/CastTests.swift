import SessionCore
import SessionSimulator
import Synchronization
import Testing

/// Versions of events: up at the edge, down for who asked for an older one.
@Suite struct CastTests {
  /// `chat.send`: 1 is a text, 2 is `{"text"}`, 3 is `{"body","lang"}`.
  private func events(onDown: @escaping @Sendable () -> Void = {}) -> EventRules {
    var events = EventRules()
    // In any order.
    events.add(
      Cast(from: 2, to: 3, up: { .object([.init("body", $0["text"] ?? .null), .init("lang", "en")]) },
        down: { value in
          onDown()
          guard value["lang"] == "en" else { throw ProtocolError("x", "only English has a version 2") }
          return .object([.init("text", value["body"] ?? .null)])
        }), to: "chat.send")
    events.add(
      Cast(from: 1, to: 2,
        up: { value in
          guard value.stringValue != nil else { throw ProtocolError.invalidPayload(at: "/here", "a text expected") }
          return .object([.init("text", value)])
        }, down: { $0["text"] ?? .null }), to: "chat.send")
    return events
  }

  private func scene(_ events: EventRules, shardCount: Int = 2) -> Scene {
    var application = World.Application()
    application.events = events
    return Scene(shardCount: shardCount, application: application)
  }

  private func join(_ scene: Scene, _ events: String = "", node: Int = 0) -> (wire: Wire, welcome: JSONValue) {
    let (wire, welcome) = scene.join(events.isEmpty ? "" : #","events":\#(events)"#, node: node)
    scene.say(#"{"v":2,"seq":1,"type":"join","id":"j","room":"r"}"#, wire)
    while case let message = scene.hear(wire), message != .null, message["re"] != "j" {}
    return (wire, welcome)
  }

  /// The next event, as `ev payload`.
  private func event(_ scene: Scene, _ wire: Wire) -> String {
    while case let message = scene.hear(wire), message != .null {
      if message["type"] == "event" { return "\(message["ev"]?.text ?? "1") \(message["payload"]?.text ?? "")" }
      if message["type"] == "error" { return message["payload"]?.text ?? "" }
    }
    return "nothing"
  }

  @Test func everybodyGetsTheVersionThatItAskedFor() {
    let scene = scene(events())
    let (old, oldWelcome) = join(scene, #"{"chat.send":1}"#)
    let (middle, _) = join(scene, #"{"chat.send":2,"other":1}"#, node: 1)
    let (new, newWelcome) = join(scene, #"{"chat.send":9}"#)
    let (silent, _) = join(scene)
    #expect(oldWelcome["events"] == ["chat.send": 1])
    #expect(newWelcome["events"] == nil)
    // One that speaks version 1 is cast up.
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat.send","room":"r","key":"k","payload":"hi"}"#, old)
    #expect(event(scene, old) == #"1 "hi""#)
    #expect(event(scene, middle) == #"2 {"text":"hi"}"#)
    #expect(event(scene, new) == #"3 {"body":"hi","lang":"en"}"#)
    #expect(event(scene, silent) == #"3 {"body":"hi","lang":"en"}"#)
    // One that speaks the newest is cast down.
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat.send","ev":3,"room":"r","payload":{"body":"ho","lang":"en"}}"#, new)
    #expect(event(scene, old) == #"1 "ho""#)
  }

  @Test func allButVersionAndPayloadStaysAsItIs() {
    let scene = scene(events())
    let (old, _) = join(scene, #"{"chat.send":1}"#)
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat.send","room":"r","key":"a\"b","payload":"hi"}"#, old)
    let message = scene.hear(old)
    #expect(message["seq"] == 2 && message["room"] == "r" && message["key"] == "a\"b" && message["ev"] == nil)
    #expect(LogPosition(message["pos"])?.offset == 1 && message["from"] != nil)
  }

  @Test func aResumeMayAskForAnotherVersion() {
    let scene = scene(events())
    let (wire, welcome) = join(scene, #"{"chat.send":1}"#)
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat.send","room":"r","payload":"hi"}"#, wire)
    #expect(event(scene, wire) == #"1 "hi""#)
    scene.drop(wire)
    let again = scene.resume(welcome, ack: 1, node: 1)
    #expect(event(scene, again.wire) == #"3 {"body":"hi","lang":"en"}"#)
  }

  @Test func whatCannotBeCastUpIsInvalid() {
    let scene = scene(events())
    let (wire, _) = join(scene)
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat.send","id":"a","room":"r","payload":7}"#, wire)
    #expect(event(scene, wire) == #"{"code":"payload.invalid","message":"/here: a text expected","retry":"never","path":"/here"}"#)
    scene.say(#"{"v":2,"seq":3,"type":"event","event":"chat.send","ev":4,"id":"b","room":"r","payload":7}"#, wire)
    #expect(event(scene, wire).contains(#""code":"event.version""#))
    #expect(scene.world.counters(0).payloadsRefused == 1)
  }

  @Test func whatCannotBeCastDownGoesOutAsItIs() {
    let scene = scene(events())
    let (old, _) = join(scene, #"{"chat.send":1}"#)
    let (new, _) = join(scene)
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat.send","ev":3,"room":"r","payload":{"body":"да","lang":"ru"}}"#, new)
    #expect(event(scene, old) == #"3 {"body":"да","lang":"ru"}"#)
    #expect(scene.world.counters(0).castFailures == 1)
  }

  @Test func aBroadcastIsCastOnceForEachVersionAndShard() {
    let count = Mutex(0)
    let scene = scene(events(onDown: { count.withLock { $0 += 1 } }), shardCount: 1)
    let wires = (0..<20).map { _ in join(scene, #"{"chat.send":1}"#).wire }
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat.send","room":"r","payload":"hi"}"#, wires[0])
    for wire in wires { #expect(event(scene, wire) == #"1 "hi""#) }
    #expect(count.withLock { $0 } == 1)
  }

  @Test func usesAreCounted() {
    var events = events()
    events.add(Deprecation(.event("chat.send", version: 2), date: "2027-01-01"))
    events.add(Deprecation(.event("chat.send", version: 1), date: "2027-01-01"))
    let scene = scene(events)
    let (old, _) = join(scene, #"{"chat.send":1}"#)
    scene.say(#"{"v":2,"seq":2,"type":"event","event":"chat.send","room":"r","payload":"hi"}"#, old)
    _ = event(scene, old)
    // One came in, one went out.
    #expect(scene.world.counters(0).deprecatedUses == [0, 2])
    #expect(scene.world.counters(0).messagesOfVersion2 == 2 && scene.world.counters(0).messagesOfVersion1 == 0)
  }

  @Test func aHandlerThatTakesAllVersionsIsNotToldOneByOne() {
    var dispatcher = Dispatcher()
    dispatcher.on("e", versions: 2...UInt64.max, HandlerID(rawValue: 0))
    #expect(dispatcher.decide("e", version: 1) == .unsupportedVersion(supported: Array(2...17)))
  }
}
