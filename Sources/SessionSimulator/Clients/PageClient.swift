import DequeModule
import SessionCore

/// A client of protocol version 2 at its highest level, written from PROTOCOL.md alone: nothing of the client library is
/// in it. It remembers what it was given, so that what comes again is compared with what came.
final class PageClient: Client {
  private struct Sent {
    var seq: UInt64
    /// From `"type"` on: the acknowledgement in front may differ.
    var tail: [UInt8]
  }

  private struct Identity {
    var sid: String
    var token: String
    var epoch: String
  }

  /// Where it stands with its session.
  private struct State {
    var identity: Identity?
    var last: UInt64 = 0
    var acked: UInt64 = 0
    var lastSent: UInt64 = 0
    var unacked: Deque<Sent> = []
  }

  private var state = State()
  private var kept: State?
  private var isReady = false
  private var saidBye = false
  private var lastAckHeard: UInt64 = 0
  private var ackDue = Instant.never
  private var silenceDue = Instant.never
  private var heardAt = Instant.zero
  private var windowCount = 256
  private var ackDelay: UInt64 = 250
  private var silence: UInt64 = 0
  private var attempts: UInt64 = 0
  /// Of the last numbers, what they had.
  private var contents: [UInt64]
  private let remembered: UInt64 = 64
  private var hasForgotten = false
  private var helloAck: UInt64 = 0

  override init(number: Int, run: Run) {
    contents = Array(repeating: 0, count: Int(remembered))
    super.init(number: number, run: run)
  }

  override var isWelcomed: Bool { isReady }
  override var openCount: Int { state.unacked.count }
  override var deadline: Instant { wire == nil ? .never : min(ackDue, silenceDue) }

  // MARK: Connections

  override func connect() {
    guard wire == nil else { return }
    reconnectAt = .never
    attempts += 1
    let wire = world.connect()
    wire.client = self
    self.wire = wire
    (isReady, saidBye) = (false, false)
    heardAt = now
    silenceDue = now.advanced(byMilliseconds: 2_000)
    outgoing.append(hello())
    finish()
  }

  private func hello() -> [UInt8] {
    var text = #"{"v":2,"type":"hello","payload":{"versions":[2],"auth":{"scheme":"none","credential":""#
    text += user + #""},"window":{"messages":"# + String(run.plan.clientWindow) + "}"
    if let ttl = run.plan.clientTTLMilliseconds { text += ",\"ttl_ms\":" + String(ttl) }
    if let identity = state.identity {
      // It may say less than it has: what was not acknowledged comes again, and must be the same.
      helloAck = run.dice.isOneIn(3) ? state.acked : state.last
      text += #","resume":{"sid":""# + identity.sid + #"","token":""# + identity.token + #"","epoch":""# + identity.epoch
      text += "\",\"ack\":" + String(helloAck)
      if let first = state.unacked.first { text += ",\"first_unacked\":" + String(first.seq) }
      text += "}"
    }
    return Array((text + "}}").utf8)
  }

  override func closed(_ wire: Wire, _ code: UInt16) {
    guard wire === self.wire else { return }
    judgeClose(code)
    gone()
    switch code {
    case 4506, 4507:
      // The session is over, and who stops may be started again.
      state = State()
      comeBack(afterMilliseconds: 100 + run.dice.next() % 400)
    case 4100...4199:
      state.identity = nil
      comeBack(afterMilliseconds: wait())
    case 4500...4599: comeBack(afterMilliseconds: 100 + run.dice.next() % 400)
    default: comeBack(afterMilliseconds: wait())
    }
  }

  /// Full jitter: section 9.5, with smaller times.
  private func wait() -> UInt64 { run.dice.next() % min(400, 20 << min(attempts, 5)) }

  private func comeBack(afterMilliseconds wait: UInt64) {
    reconnectAt = now.advanced(byMilliseconds: wait)
    arm()
  }

  override func lost() {
    if let wire { wire.client = nil }
    gone()
  }

  private func gone() {
    wire = nil
    isReady = false
    (ackDue, silenceDue) = (.never, .never)
    outgoing.removeAll()
  }

  override func advance() {
    guard wire != nil else { return }
    if ackDue <= now { ack() }
    guard silenceDue <= now else { return }
    let due = heardAt.advanced(byMilliseconds: isReady ? silence : 2_000)
    guard due <= now else {
      silenceDue = due
      return
    }
    // Nothing came for longer than a ping takes.
    if let wire { world.hangUp(wire, 4002) }
    lost()
    comeBack(afterMilliseconds: wait())
  }

  override func keep() {
    kept = state
    account.keep()
  }

  override func goBack() {
    guard let old = kept, old.identity != nil, old.identity?.sid == state.identity?.sid else { return }
    account.taint()
    if let wire { world.silence(wire) }
    lost()
    state = old
    account.goBack()
    comeBack(afterMilliseconds: 5)
  }

  override func sayBye() {
    guard isReady else { return }
    outgoing.append(Array("{\"v\":2,\"ack\":\(state.last),\"type\":\"bye\",\"payload\":{}}".utf8))
    (isReady, saidBye) = (false, true)
    finish()
  }

  // MARK: What it sends

  override func repeatLast() {
    guard isReady, let last = state.unacked.last else { return }
    transmit(last)
    finish()
  }

  override func want(_ wish: Wish, _ number: UInt64) {
    guard isReady || state.identity != nil, state.unacked.count < min(48, windowCount) else { return }
    var kind: Account.Kind?
    var tail: String
    switch wish {
    case .publish(let room, let key):
      kind = .publish(room: room)
      tail = #""type":"event","event":"chat","room":"r\#(room)""# + (key.map { #","key":"k\#($0)""# } ?? "")
    case .whisper(let room):
      guard isReady else { return }
      let text = #"{"v":2,"type":"event","event":"chat","delivery":"transient","room":"r\#(room)","payload":\#(number)}"#
      return outgoing.append(Array(text.utf8))
    case .echo:
      kind = .echo
      tail = #""type":"event","event":"echo""#
    case .direct(let client):
      kind = .direct(client: client)
      tail = #""type":"event","event":"direct.\#(client)""#
    case .join(let room, let presence, let history):
      account.sent(number, .join(room: room), ticket: number)
      let wish = history.map { ",\"history\":\($0)" } ?? ""
      tail = #""type":"join","room":"r\#(room)","id":"\#(number)","payload":{"presence":\#(presence)\#(wish)}}"#
    case .leave(let room):
      account.sent(number, .leave(room: room), ticket: number)
      tail = #""type":"leave","room":"r\#(room)","id":"\#(number)","payload":{}}"#
    case .setState:
      kind = .setState
      tail = #""type":"event","event":"state""#
    }
    if let kind {
      account.sent(number, kind, ticket: number)
      tail += #","id":"\#(number)","payload":\#(number)}"#
    }
    state.lastSent += 1
    let sent = Sent(seq: state.lastSent, tail: Array(tail.utf8))
    state.unacked.append(sent)
    if isReady { transmit(sent) }
  }

  private func transmit(_ sent: Sent) {
    var bytes = Array("{\"v\":2,\"seq\":\(sent.seq),\"ack\":\(state.last),".utf8)
    bytes.append(contentsOf: sent.tail)
    outgoing.append(bytes)
    noteAcked()
  }

  private func ack() {
    outgoing.append(Array("{\"v\":2,\"ack\":\(state.last),\"type\":\"ack\",\"payload\":{}}".utf8))
    noteAcked()
  }

  private func noteAcked() {
    state.acked = state.last
    ackDue = .never
  }

  // MARK: What it hears

  override func heard(_ wire: Wire, _ bytes: [UInt8], _ messages: [Range<Int>]) {
    guard wire === self.wire else { return }
    heardAt = now
    for range in messages {
      guard let seen = MessageScan.read(bytes, range) else {
        account.accuse(.version, "a message that cannot be read: \(String(decoding: bytes[range], as: UTF8.self))")
        continue
      }
      hear(seen, bytes, range)
      guard self.wire === wire else { return }
    }
    let quarter = UInt64(max(1, run.plan.clientWindow / 4))
    if isReady, state.last - min(state.acked, state.last) >= quarter { ack() }
    finish()
  }

  private func hear(_ seen: Seen, _ bytes: [UInt8], _ range: Range<Int>) {
    if seen.type == .welcome { return welcome(seen, bytes) }
    guard isReady else {
      if !saidBye, seen.type != .error, seen.type != .session {
        account.accuse(.takeover, "\(seen.type) before welcome")
      }
      return
    }
    if let ack = seen.ack { acknowledged(ack) }
    switch seen.type {
    case .ping:
      outgoing.append(Array("{\"v\":2,\"ack\":\(state.last),\"type\":\"pong\",\"payload\":{}}".utf8))
      noteAcked()
    case .gap: gap(bytes, seen)
    case .event, .reply, .error, .member: take(seen, bytes, range)
    default: break
    }
  }

  private func take(_ seen: Seen, _ bytes: [UInt8], _ range: Range<Int>) {
    guard let seq = seen.seq else { return account.took(seen, bytes) }
    let content = PageClient.content(bytes, range)
    guard seq > state.last else { return repeated(seq, content) }
    guard seq == state.last + 1 else {
      account.accuse(.noLoss, "\(seq) came after \(state.last), and no gap")
      if let wire { world.hangUp(wire, 4001) }
      lost()
      return comeBack(afterMilliseconds: wait())
    }
    state.last = seq
    contents[Int(seq % remembered)] = content
    if ackDue == .never { ackDue = now.advanced(byMilliseconds: ackDelay) }
    account.took(seen, bytes)
  }

  /// It came before: on this connection only what the hello did not claim.
  private func repeated(_ seq: UInt64, _ content: UInt64) {
    if seq <= helloAck { account.accuse(.noDuplicates, "\(seq) came again, and was acknowledged up to \(helloAck)") }
    guard seq + remembered > state.last, !hasForgotten else { return }
    if contents[Int(seq % remembered)] != content { account.accuse(.noDuplicates, "\(seq) came again with other bytes") }
  }

  /// Of the message from `"type"` on.
  private static func content(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
    guard let head = Head(bytes, range) else { return 0 }
    var trace = Trace()
    var index = head.tail
    while index < range.upperBound {
      trace.note(UInt64(bytes[index]))
      index += 1
    }
    return trace.hash
  }

  private func acknowledged(_ ack: UInt64) {
    if ack > state.lastSent { account.accuse(.ackBounds, "the server acknowledges \(ack) of \(state.lastSent)") }
    if ack < lastAckHeard { account.accuse(.ackBounds, "the server acknowledges \(ack) after \(lastAckHeard)") }
    lastAckHeard = ack
    while let first = state.unacked.first, first.seq <= ack { state.unacked.removeFirst() }
  }

  private func gap(_ bytes: [UInt8], _ seen: Seen) {
    guard let range = seen.payload, let payload = try? JSONValue(parsing: Array(bytes[range])),
      let from = payload["from"]?.unsignedValue, let to = payload["to"]?.unsignedValue,
      payload["count"]?.unsignedValue == to - from + 1
    else { return account.accuse(.version, "a gap that cannot be read") }
    guard to > state.last else { return }
    if from > state.last + 1 { account.accuse(.noLoss, "a gap from \(from) after \(state.last)") }
    let rooms = payload["rooms"]?.arrayValue?.compactMap(\.stringValue) ?? []
    account.gap(
      GapNotice(
        from: state.last + 1, to: to, rooms: rooms, roomsAreComplete: payload["rooms_complete"]?.boolValue ?? true,
        reason: payload["reason"]?.stringValue ?? ""))
    for seq in max(state.last + 1, to > remembered ? to - remembered + 1 : 1)...to { contents[Int(seq % remembered)] = 0 }
    state.last = to
    if ackDue == .never { ackDue = now.advanced(byMilliseconds: ackDelay) }
  }

  // MARK: welcome

  private func welcome(_ seen: Seen, _ bytes: [UInt8]) {
    guard let range = seen.payload, let payload = try? JSONValue(parsing: Array(bytes[range])) else {
      return account.accuse(.version, "a welcome that cannot be read")
    }
    isReady = true
    attempts = 0
    let greeting = Greeting(payload)
    let epoch = payload["epoch"]?.stringValue ?? ""
    let goesOn = greeting.isResumed && epoch == state.identity?.epoch
    let lastIn = payload["last_in"]?.unsignedValue ?? 0
    if greeting.isResumed, let from = payload["replay"]?["from"]?.unsignedValue, from > state.last + 1 {
      account.accuse(.noLoss, "a replay from \(from) after \(state.last)")
    }
    if !goesOn {
      state.unacked.removeAll()
      (state.last, state.acked, state.lastSent, helloAck) = (0, 0, 0, 0)
      contents = Array(repeating: 0, count: contents.count)
    }
    lastAckHeard = goesOn ? min(lastAckHeard, lastIn) : 0
    state.identity = Identity(
      sid: payload["sid"]?.stringValue ?? "", token: payload["token"]?.stringValue ?? "", epoch: epoch)
    windowCount = Int(payload["window"]?["messages"]?.unsignedValue ?? 256)
    ackDelay = payload["limits"]?["ack_delay_ms"]?.unsignedValue ?? 250
    let interval = payload["ping"]?["interval_ms"]?.unsignedValue ?? 25_000
    silence = 2 * interval + (payload["ping"]?["timeout_ms"]?.unsignedValue ?? 10_000)
    silenceDue = now.advanced(byMilliseconds: silence)
    account.welcomed(greeting, goesOn: goesOn, keepingFrom: goesOn ? 0 : .max)
    if lastIn > state.lastSent {
      // A copy of it has the session: PROTOCOL.md section 9.2.
      account.accuse(.ackBounds, "the server has \(lastIn) of \(state.lastSent)")
      if let wire { world.hangUp(wire, 4501) }
      lost()
      state = State()
      return comeBack(afterMilliseconds: 50)
    }
    acknowledged(lastIn)
    for sent in state.unacked { transmit(sent) }
    // The first message on the connection tells that its token has come.
    if state.unacked.isEmpty { ackDue = min(ackDue, now.advanced(byMilliseconds: ackDelay)) }
  }
}
