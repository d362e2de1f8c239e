import SessionCore

/// A hostile client with one lie. Its sessions are its own: nobody else may be disturbed by what it does, and it must
/// get the answer that PROTOCOL.md names.
final class Liar: WireClient {
  private struct Own {
    var sid: String
    var token: String
    var epoch: String
  }

  let lie: Lie
  /// Proof for `unsafe`: the run owns its liars.
  private unowned(unsafe) let run: Run
  private let victim: SessionRecord?
  private var wire: Wire?
  private var own: Own?
  private var oldToken = ""
  private var visits = 0
  /// Whether the lie is told: the answer must come before anything else.
  private var hasSaid = false
  private(set) var isDone = false
  private let beganAt: Instant

  init(_ lie: Lie, run: Run, victim: SessionRecord?) {
    (self.lie, self.run, self.victim, beganAt) = (lie, run, victim, run.world.now)
  }

  func begin() {
    if (lie == .stolenToken || lie == .stolenIDAndNoToken || lie == .stolenOldToken), victim == nil { return finish() }
    if lie == .stolenOldToken, victim?.retiredTokens.isEmpty != false { return finish() }
    connect()
  }

  private func connect() {
    visits += 1
    let wire = run.world.connect()
    wire.client = self
    self.wire = wire
    run.judge.wires[wire.id].isHostile = true
    if let opening = lie.opening { return run.world.send(opening.map { Array($0.utf8) }, on: wire) }
    run.world.send(Array(repeating: hello, count: lie == .twoHellosAtOnce ? 2 : 1), on: wire)
    if lie == .manyComplaints || lie == .unreadFlood { run.world.setBlocked(false, on: wire) }
  }

  private var hello: [UInt8] {
    var resume = ""
    if let victim, visits == 1, !lie.comesTwice {
      let token: String? =
        switch lie {
        case .stolenToken: victim.token
        case .stolenIDAndNoToken: "0000000000000000000000000000000000000000000"
        case .stolenOldToken: victim.retiredTokens.last
        default: nil
        }
      if let token { resume = text(victim.sid.description, token, victim.epoch, "0") }
    } else if let own {
      switch lie {
      case .wrongEpoch: resume = text(own.sid, own.token, "0123456789abcdef", "0")
      case .resumeFromTheFuture: resume = text(own.sid, own.token, own.epoch, "9007199254740991")
      case .ownOldToken: resume = text(own.sid, visits == 2 ? own.token : oldToken, own.epoch, "0")
      default: break
      }
    }
    let auth = #""auth":{"scheme":"none","credential":"mallory"}"#
    return Array((#"{"v":2,"type":"hello","payload":{"versions":[2],"# + auth + resume + "}}").utf8)
  }

  private func text(_ sid: String, _ token: String, _ epoch: String, _ ack: String) -> String {
    #","resume":{"sid":"\#(sid)","token":"\#(token)","epoch":"\#(epoch.isEmpty ? "0000000000000000" : epoch)","ack":\#(ack)}"#
  }

  // MARK: What it hears

  func heard(_ wire: Wire, _ bytes: [UInt8], _ messages: [Range<Int>]) {
    guard !isDone, wire === self.wire else { return }
    for range in messages {
      guard let json = try? JSONValue(parsing: Array(bytes[range])) else { continue }
      switch json["type"]?.stringValue {
      case "welcome": welcomed(json["payload"] ?? .null)
      case "error": told(json["payload"]?["code"]?.stringValue ?? "")
      default: break
      }
      if isDone { return }
    }
  }

  private func welcomed(_ payload: JSONValue) {
    guard let wire else { return }
    let isResumed = payload["resumed"]?.boolValue ?? false
    if case .refused(let reason) = lie.expectation, !lie.comesTwice || visits > 1 {
      let told = payload["reason"]?.stringValue ?? "none"
      // The victim's session may have ended on the way.
      if isResumed || (told != reason && !["unknown", "expired", "ended", "token"].contains(told)) {
        run.judge.accuse(lie.invariant, "\(lie): resumed: \(isResumed), reason \(told), and \(reason) was due")
      }
      return finish()
    }
    let before = own
    own = Own(
      sid: payload["sid"]?.stringValue ?? "", token: payload["token"]?.stringValue ?? "",
      epoch: payload["epoch"]?.stringValue ?? "")
    guard lie.comesTwice else {
      if lie == .manyComplaints || lie == .unreadFlood { run.world.setBlocked(true, on: wire) }
      return say(wire)
    }
    if visits == 1 { return comeBack(wire) }
    guard lie == .ownOldToken, isResumed, visits == 2, let before else {
      // It had expired by then.
      if isResumed, visits > 2 { run.judge.accuse(.tokens, "\(lie): a retired token resumed its session") }
      if isResumed, lie != .ownOldToken { run.judge.accuse(lie.invariant, "\(lie): it was resumed") }
      return finish()
    }
    oldToken = before.token
    // The first message confirms the new token and retires the old one.
    run.world.send(#"{"v":2,"ack":0,"type":"pong","payload":{}}"#, on: wire)
    run.later(microseconds: 100_000) { [weak self] in if let self, !isDone { connect() } }
  }

  private func comeBack(_ wire: Wire) {
    run.world.hangUp(wire, 1001)
    run.later(microseconds: 50_000) { [weak self] in if let self, !isDone { connect() } }
  }

  private func say(_ wire: Wire) {
    hasSaid = true
    run.world.send(lie.message.map { Array($0.utf8) }, on: wire)
    guard lie.expectation == .nothing || lie.expectation == .anything else { return }
    run.later(microseconds: 60_000) { [weak self] in self?.leave() }
  }

  private func told(_ code: String) {
    guard case .error(let due) = lie.expectation else { return }
    guard ["server.busy", "server.draining", "server.error", "session.limit"].contains(code) == false else { return finish() }
    if code != due { run.judge.accuse(lie.invariant, "\(lie): was told \(code), and \(due) was due") }
    finish()
  }

  func closed(_ wire: Wire, _ code: UInt16) {
    guard !isDone, wire === self.wire else { return }
    // The server was busy, went down, lost a hook or its patience.
    if [1012, 1013, 4000, 4507].contains(code) || (code == 4002 && !hasSaid) { return finish() }
    switch lie.expectation {
    case .closed(code): break
    case .anything where code == 4003 || code == 4508: break
    case let due:
      if code != 4508, code != 4200 { run.judge.accuse(lie.invariant, "\(lie): closed with \(code), and \(due) was due") }
    }
    finish()
  }

  private func leave() {
    if let wire, !wire.isBroken, wire.closeCode == nil { run.world.setBlocked(false, on: wire) }
    finish()
  }

  private func finish() {
    isDone = true
    if let wire, wire.closeCode == nil { run.world.hangUp(wire, 1001) }
    wire?.client = nil
  }

  var isAtRest: Bool { isDone || wire.map(\.isBroken) ?? true }

  /// The faults are over, and there was time: it has its answer.
  func checkAtRest() {
    guard !isAtRest else { return }
    run.judge.accuse(lie.invariant, "\(lie): no answer since \(run.world.now.milliseconds(since: beganAt)) ms")
  }
}
