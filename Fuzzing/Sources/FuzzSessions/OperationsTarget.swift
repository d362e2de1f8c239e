import FuzzSupport
import SessionCore
import SessionSimulator

/// Operations, one or two bytes each, on a server of one to three shards without delays: after each of them sessions,
/// rooms and what every client has seen are what a model of a few sets and lists says.
@Sendable func operations(_ input: inout Input) {
  let play = Play(flags: input.byte())
  var count = 0
  while !input.isEmpty, count < 300 {
    play.perform(input.byte(), input.byte())
    play.check()
    count += 1
  }
  play.heal()
}

private final class Play {
  private static let roomCount = 3
  private static let ttl: UInt64 = 3_000
  private let world: World
  /// Messages that a client may have under way to it.
  private let window: UInt64
  private let members = (0..<4).map(Member.init)
  private var nextID = 0

  init(flags: UInt8) {
    var limits = Limits()
    limits.sessionTTLMilliseconds = Play.ttl
    // Nobody here answers a ping.
    limits.pingIntervalMilliseconds = 100_000_000
    limits.presenceGraceMilliseconds = flags & 4 == 0 ? 500 : 0
    if flags & 8 != 0 { limits.outbox = OutboxLimits(messageCount: 6, byteCount: 1 << 16, transientCount: 2) }
    window = UInt64(min(limits.outbox.messageCount, 256))
    var application = World.Application()
    application.dispatcher.on("echo", HandlerID(rawValue: 0))
    application.handle = { .reply($0.payload) }
    world = World(shardCount: 1 + Int(flags % 3), limits: limits, application: application, seed: 1)
    world.servedAtOnceOneIn = flags & 16 == 0 ? nil : flags & 32 == 0 ? 1 : 2
  }

  // MARK: Operations

  func perform(_ code: UInt8, _ argument: UInt8) {
    let member = members[Int(argument & 3)]
    let room = Int(argument >> 2) % Play.roomCount
    switch code % 16 {
    case 0, 1: connect(member)
    case 2: drop(member)
    case 3, 4: join(member, room)
    case 5: leave(member, room)
    case 6, 7: publish(member, room, argument & 0x80 == 0 ? "" : #","delivery":"transient""#)
    case 8: publish(member, room, #","key":"k""#)
    case 9: say(member) { $0.ack() }
    case 10: bye(member)
    case 11: advance(UInt64(argument) * 20)
    case 12: kick(member)
    case 13: say(member) { $0.lastText }
    case 14: block(member)
    default: argument & 0x80 == 0 ? announce(room, "o-\(nextNumber())") : steal(member)
    }
  }

  private func nextNumber() -> Int {
    nextID += 1
    return nextID
  }

  /// Sends, lets all happen, and has everyone read and acknowledge.
  private func say(_ member: Member, _ text: (Member) -> String?) {
    if let wire = member.wire, let text = text(member) { world.send(text, on: wire) }
    settle()
  }

  private func settle() {
    while true {
      world.settle()
      for member in members {
        guard let wire = member.wire else { continue }
        for text in wire.receivedAll() { member.hear(text) }
      }
      let owing = members.filter { $0.owesAck(window: window) }
      if owing.isEmpty { return }
      for member in owing { if let wire = member.wire { world.send(member.ack(), on: wire) } }
    }
  }

  /// New, back, or over from a connection that the server still believes in.
  private func connect(_ member: Member) {
    let old = member.wire
    // What the old wire held back is lost with it, and comes again.
    let wire = world.connect()
    member.wire = wire
    member.isBlocked = false
    member.suspendedAt = nil
    say(member) { $0.hello() }
    require(member.isAlive, "no welcome")
    if let old {
      requireEqual(old.closeCode ?? 4504, 4504, "code of the older connection")
      world.drop(old, noticeAfterMicroseconds: 0)
      settle()
    }
  }

  private func drop(_ member: Member) {
    guard let wire = member.wire else { return }
    world.drop(wire, noticeAfterMicroseconds: 0)
    member.wire = nil
    member.isBlocked = false
    member.suspendedAt = world.now
    settle()
  }

  private func request(_ member: Member, _ fields: String) {
    let id = "m-\(nextNumber())"
    member.expectedReplies.append(id)
    say(member) { $0.numbered(fields, id: id) }
  }

  private func join(_ member: Member, _ room: Int) {
    guard member.speaks else { return }
    member.rooms.insert(room)
    request(member, #""type":"join","room":"room-\#(room)","payload":{}"#)
  }

  private func leave(_ member: Member, _ room: Int) {
    guard member.speaks else { return }
    member.rooms.remove(room)
    request(member, #""type":"leave","room":"room-\#(room)","payload":{}"#)
  }

  /// - Parameter fields: a key, by which a newer message takes the place of one that was not sent; or that nobody
  ///   minds its loss.
  private func publish(_ member: Member, _ room: Int, _ fields: String) {
    guard member.speaks else { return }
    let isTransient = fields.contains("transient")
    let id = (isTransient ? "t-" : "m-") + "\(nextID + 1)"
    if member.rooms.contains(room), !isTransient { expect(id, in: room) }
    let text = #""type":"event","event":"chat","room":"room-\#(room)"\#(fields),"payload":"\#(id)""#
    guard isTransient else { return request(member, text) }
    say(member) { _ in #"{"v":2,\#(text)}"# }
  }

  private func expect(_ id: String, in room: Int) {
    for member in members where member.rooms.contains(room) { member.expected.append(id) }
  }

  /// The server itself speaks in a room.
  private func announce(_ room: Int, _ id: String) {
    expect(id, in: room)
    let event = RoomEvent(event: "news", payload: Array(#""\#(id)""#.utf8))
    _ = world.execute(.publish(room: "room-\(room)", event))
    settle()
  }

  private func bye(_ member: Member) {
    guard member.isConnected else { return }
    say(member) { _ in #"{"v":2,"type":"bye","payload":{}}"# }
    gone(member)
  }

  private func kick(_ member: Member) {
    guard let sid = SessionID(member.sid) else { return }
    let token = world.execute(.kick(sid, reason: "fuzzed"))
    settle()
    requireEqual(world.results[token], .done(1), "kick")
    gone(member)
  }

  private func gone(_ member: Member) {
    if let wire = member.wire { world.drop(wire, noticeAfterMicroseconds: 0) }
    member.wire = nil
    member.isBlocked = false
    member.end()
    settle()
  }

  private func advance(_ milliseconds: UInt64) {
    world.run(forMilliseconds: milliseconds)
    settle()
    for member in members {
      if let since = member.suspendedAt, world.now.milliseconds(since: since) >= Play.ttl { member.end() }
    }
  }

  private func block(_ member: Member) {
    guard let wire = member.wire else { return }
    member.isBlocked.toggle()
    world.setBlocked(member.isBlocked, on: wire)
    settle()
  }

  /// Somebody comes with a token that is none: they get a session of their own, which they leave.
  private func steal(_ member: Member) {
    guard member.isAlive else { return }
    let wire = world.connect()
    world.send(member.hello(token: String(repeating: "A", count: 43)), on: wire)
    settle()
    let welcome = wire.receivedAll().compactMap { try? JSONValue(parsing: Array($0.utf8)) }.first { $0["type"] == "welcome" }
    guard let payload = welcome?["payload"], payload["resumed"] == false else { fail("a wrong token: \(String(describing: welcome))") }
    require(payload["sid"]?.stringValue != member.sid, "a wrong token was let in")
    world.send(#"{"v":2,"type":"bye","payload":{}}"#, on: wire)
    settle()
    world.drop(wire, noticeAfterMicroseconds: 0)
    settle()
  }

  // MARK: Judgement

  func check() {
    let sessions = Dictionary(uniqueKeysWithValues: world.sessions.map { ($0.sid.description, $0) })
    requireEqual(Set(sessions.keys), Set(members.filter(\.isAlive).map(\.sid)), "sessions: the server's, the model's")
    for member in members where member.isAlive {
      guard let session = sessions[member.sid] else { continue }
      requireEqual(session.connection != nil, member.isConnected, "member \(member.number) is attached")
      requireEqual(Set(session.rooms), Set(member.rooms.map { "room-\($0)" }), "member \(member.number): rooms")
      if member.isConnected, !member.isBlocked { member.judge() }
    }
    let rooms = Dictionary(uniqueKeysWithValues: world.rooms.map { ($0.name, Set($0.members.map(\.description))) })
    var model: [String: Set<String>] = [:]
    for member in members {
      for room in member.rooms { model["room-\(room)", default: []].insert(member.sid) }
    }
    requireEqual(rooms, model, "rooms: the server's, the model's")
  }

  /// Everyone comes back and reads; then everyone goes, and nothing is left.
  func heal() {
    for member in members {
      if member.isBlocked { block(member) }
      if member.isAlive, !member.isConnected { connect(member) }
    }
    check()
    for member in members { bye(member) }
    world.run(forMilliseconds: 60_000)
    require(world.sessions.isEmpty && world.rooms.isEmpty, "something is left behind")
  }
}
