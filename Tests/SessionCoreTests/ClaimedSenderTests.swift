import SessionCore
import SessionSimulator
import Testing

/// Sessions that write to sessions while they are claimed. The claim waits until the session is at rest, so what it waits
/// for must not wait for the claim: found by the simulator (seed 101).
@Suite struct ClaimedSenderTests {
  /// Whom each session writes to.
  private final class Targets {
    var of: [SessionID: SessionID] = [:]
  }

  private struct Member {
    var wire: Wire
    var sid: String
    var resume: String
  }

  private func world(_ targets: Targets) -> World {
    var application = World.Application()
    application.dispatcher.on("write", HandlerID(rawValue: 0))
    application.handle = { delivery in
      let target = targets.of[delivery.session.sid] ?? delivery.session.sid
      return .direct(.session(target), event: "mail", eventVersion: 1, payload: delivery.payload)
    }
    return World(
      shardCount: 2, application: application, delays: World.Delays(link: 1_000...1_000, handler: 20_000...20_000),
      seed: 1)
  }

  private func read(_ wire: Wire) -> [JSONValue] {
    var messages: [JSONValue] = []
    while let text = wire.read() { messages.append((try? JSONValue(parsing: Array(text.utf8))) ?? .null) }
    return messages
  }

  private func join(_ world: World) -> Member {
    let wire = world.connect(node: 0)
    world.send(#"{"v":2,"type":"hello","payload":{"versions":[2]}}"#, on: wire)
    world.run(forMilliseconds: 10)
    let welcome = read(wire).first?["payload"] ?? .null
    func text(_ key: String) -> String { welcome[key]?.stringValue ?? "" }
    let resume = #"{"sid":"\#(text("sid"))","token":"\#(text("token"))","epoch":"\#(text("epoch"))","ack":0}"#
    return Member(wire: wire, sid: text("sid"), resume: resume)
  }

  private func write(_ world: World, _ member: Member) {
    world.send(#"{"v":2,"seq":1,"type":"event","event":"write","id":"1","payload":7}"#, on: member.wire)
  }

  private func comeBack(_ world: World, _ member: Member) -> Wire {
    let wire = world.connect(node: 1)
    world.send(#"{"v":2,"type":"hello","payload":{"versions":[2],"resume":\#(member.resume)}}"#, on: wire)
    return wire
  }

  @Test func whoWritesToItselfComesBackWithMailAndAnswer() {
    let world = world(Targets())
    let member = join(world)
    write(world, member)
    world.run(forMilliseconds: 5)
    let wire = comeBack(world, member)
    world.run(forMilliseconds: 200)
    let messages = read(wire)
    #expect(messages.first?["payload"]?["resumed"] == true)
    // One's own message comes before the answer.
    #expect(messages.dropFirst().prefix(2).map { $0["type"]?.stringValue } == ["event", "reply"])
    #expect(messages.dropFirst(2).first?["payload"]?["sessions"]?.unsignedValue == 1)
  }

  @Test func twoThatWriteToEachOtherBothComeBack() {
    let targets = Targets()
    let world = world(targets)
    let (one, other) = (join(world), join(world))
    guard let first = SessionID(one.sid), let second = SessionID(other.sid) else {
      Issue.record("no sessions")
      return
    }
    targets.of = [first: second, second: first]
    write(world, one)
    write(world, other)
    world.run(forMilliseconds: 5)
    let wires = [comeBack(world, one), comeBack(world, other)]
    world.run(forMilliseconds: 200)
    for wire in wires {
      let messages = read(wire)
      #expect(messages.first?["payload"]?["resumed"] == true)
      let types = Set(messages.compactMap { $0["type"]?.stringValue })
      #expect(types.isSuperset(of: ["event", "reply", "live"]))
    }
  }
}
