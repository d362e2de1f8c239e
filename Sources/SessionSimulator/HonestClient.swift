import SessionCore

/// A client of protocol version 2 that does what PROTOCOL.md asks of one at its highest level, and keeps a record of
/// what it saw. It knows the protocol from the text alone: nothing of the server's code is in it but the JSON reader.
final class HonestClient: SimulatedClient {
  struct Sent {
    var seq: UInt64
    var text: String
    /// What it was, for the record.
    var id: String
  }

  let number: Int
  let user: String
  var wire: Wire?
  var isWelcome = false
  var record = Record()

  // The session.
  var sid: String?
  var token: String?
  var epoch: String?
  var lastSeen: UInt64 = 0
  var lastSent: UInt64 = 0
  var unacked: [Sent] = []
  private var lastAck: UInt64 = 0

  init(number: Int) {
    self.number = number
    user = "user-\(number % 3)"
  }

  // MARK: What it says

  func opened(now: Instant) -> [String] { [hello()] }

  func closed(now: Instant) { isWelcome = false }

  func advance(now: Instant) -> [String] { [] }

  var pendingCount: Int { unacked.count }

  func send(_ sending: Sending, id: String, now: Instant) -> [String] {
    guard unacked.count < 64 else { return [] }
    let fields: [JSONValue.Member] =
      switch sending {
      case .publish(let room):
        [.init("type", "event"), .init("event", "chat"), .init("room", .string(room)), .init("payload", 1)]
      case .echo: [.init("type", "event"), .init("event", "echo"), .init("payload", 2)]
      case .join(let room): [.init("type", "join"), .init("room", .string(room))]
      case .leave(let room): [.init("type", "leave"), .init("room", .string(room))]
      }
    return [numbered(fields, id: id)]
  }

  func again() -> [String] { unacked.last.map { [$0.text] } ?? [] }

  private func hello() -> String {
    var payload: [JSONValue.Member] = [
      .init("versions", [2]), .init("auth", ["scheme": "none", "credential": .string(user)]),
      .init("window", ["messages": .int(number % 2 == 0 ? 256 : 8)]),
    ]
    if let sid, let token, let epoch {
      var resume: [JSONValue.Member] = [
        .init("sid", .string(sid)), .init("token", .string(token)), .init("epoch", .string(epoch)),
        .init("ack", .int(lastSeen)),
      ]
      if let first = unacked.first { resume.append(.init("first_unacked", .int(first.seq))) }
      payload.append(.init("resume", .object(resume)))
    }
    return JSONValue.object([.init("v", 2), .init("type", "hello"), .init("payload", .object(payload))]).text
  }

  /// A message with the next number, kept until it is acknowledged.
  private func numbered(_ fields: [JSONValue.Member], id: String) -> String {
    lastSent += 1
    let message = JSONValue.object(
      [.init("v", 2), .init("seq", .int(lastSent)), .init("ack", .int(lastSeen))] + fields + [.init("id", .string(id))])
    unacked.append(Sent(seq: lastSent, text: message.text, id: id))
    return message.text
  }

  private var ack: String { #"{"v":2,"ack":\#(lastSeen),"type":"ack","payload":{}}"# }

  // MARK: What it hears

  func hear(_ bytes: [UInt8], now: Instant) -> [String] {
    guard let message = try? JSONValue(parsing: bytes) else {
      record.faults.append("a message that is not JSON")
      return []
    }
    note(message)
    return hear(message)
  }

  private func hear(_ message: JSONValue) -> [String] {
    let type = message["type"]?.stringValue ?? ""
    if type == "welcome" { return welcome(message["payload"] ?? .null) }
    if let ack = message["ack"]?.unsignedValue { acknowledge(ack) }
    guard isWelcome else {
      record.faults.append("\(type) before welcome")
      return []
    }
    if type == "gap" { return gap(message["payload"] ?? .null) }
    if type == "ping" { return [#"{"v":2,"ack":\#(lastSeen),"type":"pong","payload":{}}"#] }
    guard let seq = message["seq"]?.unsignedValue else { return [] }
    guard seq > lastSeen else {
      record.faults.append("seq \(seq) again after \(lastSeen), on one connection")
      return []
    }
    if seq != lastSeen + 1 { record.faults.append("seq \(seq) after \(lastSeen)") }
    lastSeen = seq
    record.read(message)
    return seq % 4 == 0 ? [ack] : []
  }

  private func acknowledge(_ ack: UInt64) {
    if ack > lastSent { record.faults.append("ack \(ack) of \(lastSent) sent") }
    if ack < lastAck { record.faults.append("ack \(ack) after \(lastAck)") }
    lastAck = ack
    while let first = unacked.first, first.seq <= ack {
      record.acknowledged.insert(first.id)
      unacked.removeFirst()
    }
  }

  private func welcome(_ payload: JSONValue) -> [String] {
    isWelcome = true
    let isSame = payload["resumed"] == true
    if sid != nil { if isSame { record.resumed += 1 } else { record.renewed += 1 } }
    if isSame { checkRooms(payload) } else { begin(payload) }
    sid = payload["sid"]?.stringValue
    token = payload["token"]?.stringValue
    epoch = payload["epoch"]?.stringValue
    let lastIn = payload["last_in"]?.unsignedValue ?? 0
    acknowledge(lastIn)
    if let from = payload["replay"]?["from"]?.unsignedValue, from != lastSeen + 1 {
      record.faults.append("replay from \(from) after \(lastSeen)")
    }
    if isSame, unacked.first.map({ $0.seq != lastIn + 1 }) ?? false { record.faults.append("welcome skips unacked") }
    return isSame ? unacked.map(\.text) : []
  }

  /// A new session: what was not acknowledged is in doubt, and never sent again.
  private func begin(_ payload: JSONValue) {
    let lastIn = payload["lost"]?["last_in"]?.unsignedValue ?? 0
    for sent in unacked {
      if sent.seq <= lastIn { record.acknowledged.insert(sent.id) } else { record.unknown.insert(sent.id) }
    }
    (lastSeen, lastSent, unacked, lastAck) = (0, 0, [], 0)
    record.rooms = [:]
  }

  /// Membership outlives drops: where nothing is under way, both sides name the same rooms.
  private func checkRooms(_ payload: JSONValue) {
    guard payload["replay"] == .null, unacked.isEmpty, record.gapCount == 0 else { return }
    let told = Set((payload["rooms"]?.arrayValue ?? []).compactMap { $0["room"]?.stringValue })
    if told != Set(record.rooms.keys) { record.faults.append("rooms \(told) where it was in \(record.rooms.keys)") }
  }

  private func gap(_ payload: JSONValue) -> [String] {
    guard let from = payload["from"]?.unsignedValue, let to = payload["to"]?.unsignedValue,
      payload["count"]?.unsignedValue == to - from + 1
    else {
      record.faults.append("gap \(payload.text)")
      return []
    }
    if from > lastSeen + 1 { record.faults.append("gap from \(from) after \(lastSeen)") }
    record.gapCount += to > lastSeen ? to - lastSeen : 0
    lastSeen = max(lastSeen, to)
    return [ack]
  }
}
