import SessionCore

/// What a client may want of the server.
enum Wish {
  case publish(room: Int, key: Int?)
  case whisper(room: Int)
  case echo
  case direct(client: Int)
  case join(room: Int, presence: Bool, history: UInt64?)
  case leave(room: Int)
  case setState
}

/// How a connection is lost.
enum Cut: CaseIterable, Sendable {
  /// The client closes: what it sent before arrives.
  case fin
  /// Both ends know at once; what was under way is lost.
  case reset
  /// The client knows, the server in its time.
  case drop
  /// Nobody is told: a black hole.
  case silence
  /// One way is dead, and nobody is told.
  case halfToServer, halfToClient
  /// The client gives the connection up, which lives on: what is under way arrives, late.
  case abandon
}

/// A client of the simulation. It is told what happens and when its time has come, and talks over its wire.
class Client: WireClient {
  let number: Int
  let user: String
  /// Proof for `unsafe`: the run owns its clients and lets go of them at its end.
  unowned(unsafe) let run: Run
  let account: Account
  var wire: Wire?
  /// When it is to connect again, if it waits for that.
  var reconnectAt = Instant.never
  /// The entries of the world's queue that will wake it.
  private var wakes = Wakes()
  var outgoing: [[UInt8]] = []
  var isGone = false

  init(number: Int, run: Run) {
    (self.number, self.run) = (number, run)
    user = "user-\(number % run.plan.userCount)"
    account = Account(client: number, judge: run.judge, roomCount: run.plan.roomCount)
  }

  var world: World { run.world }
  var now: Instant { run.world.now }

  // What a client has to be.
  var sid: SessionID? { account.sid }
  var isWelcomed: Bool { preconditionFailure("each client knows") }
  var openCount: Int { preconditionFailure("each client knows") }
  var deadline: Instant { preconditionFailure("each client knows") }
  func connect() { preconditionFailure("each client connects") }
  func advance() { preconditionFailure("each client has its times") }
  func want(_ wish: Wish, _ number: UInt64) { preconditionFailure("each client sends") }
  func heard(_ wire: Wire, _ bytes: [UInt8], _ messages: [Range<Int>]) { preconditionFailure("each client hears") }
  func closed(_ wire: Wire, _ code: UInt16) { preconditionFailure("each client is closed") }
  func heardTransport(_ wire: Wire) {}
  /// The connection is gone by the client's own doing, or is held for dead.
  func lost() { preconditionFailure("each client loses its connection") }
  /// Sends again what is not acknowledged: a duplicate.
  func repeatLast() {}
  func sayBye() {}
  /// Another version of the protocol from the next `hello` on.
  func changeVersion() {}
  /// Its state as it is now, to come back to; and back to it.
  func keep() {}
  func goBack() {}

  // MARK: What all have

  func cut(_ cut: Cut, awayMicroseconds: UInt64) {
    guard let wire else { return }
    switch cut {
    case .fin: world.hangUp(wire, 1001)
    case .reset: world.drop(wire, noticeAfterMicroseconds: 1)
    case .drop: world.drop(wire)
    case .silence: world.silence(wire)
    case .halfToServer: wire.losesToServer = true
    case .halfToClient: wire.losesToClient = true
    case .abandon: wire.client = nil
    }
    // Who does not know goes on, until a silence tells.
    if cut == .halfToServer || cut == .halfToClient, run.dice.isOneIn(2) { return }
    wire.client = nil
    lost()
    reconnectAt = Instant(nanoseconds: now.nanoseconds + awayMicroseconds * 1_000)
    arm()
  }

  /// What is to be said goes out, and the clock is set.
  func finish() {
    if !outgoing.isEmpty {
      if let wire { world.send(outgoing, on: wire) }
      outgoing.removeAll(keepingCapacity: true)
    }
    arm()
  }

  func arm() {
    let due = min(deadline, reconnectAt)
    guard wakes.isNew(due) else { return }
    let wait = due.nanoseconds > now.nanoseconds ? (due.nanoseconds - now.nanoseconds + 999) / 1_000 : 0
    world.schedule(number, afterMicroseconds: max(1, wait))
    wakes.add(Instant(nanoseconds: now.nanoseconds + max(1, wait) * 1_000))
  }

  func wake() {
    wakes.came(now)
    guard !isGone else { return }
    if reconnectAt <= now {
      reconnectAt = .never
      if wire == nil { connect() }
    }
    advance()
    finish()
  }

  /// What a close code means for a client that did nothing wrong.
  func judgeClose(_ code: UInt16) {
    switch code {
    case 1000, 1006, 1012, 1013, 4000, 4002, 4003, 4200, 4505, 4507, 4508: break
    case 4504: account.accuse(.takeover, "it was told that another has its session, which has no other")
    case 4506: account.accuse(.tokens, "it was told that it came with an old token")
    default: account.accuse(.ackBounds, "it was closed with \(code)")
    }
  }
}
