import SessionCore

/// A client that is the client library's own machines, driven as its shell drives them: `ClientSession` for what is
/// said, `Reconnector` for when to come back. It moves over without a break when the server drains.
final class LibraryClient: Client {
  private var session: ClientSession
  private var reader = EnvelopeReader()
  private var reconnector: Reconnector
  private var kept: ClientSession?
  /// The second connection of a move, and whether its hello was answered.
  private var second: Wire?
  /// A second connection was begun since the last `welcome`: whatever became of it, it may take the session.
  private var mayBeReplacedByItself = false
  /// With the next connection, and not with one whose hello is under way.
  private var changesVersion = false
  private var actions: [ClientAction] = []
  private var nextTicket: UInt64 = 1
  /// The first send whose outcome was open when the connection began.
  private var openTicket: UInt64 = 1
  private var epoch: String?
  private var lastText: [UInt8]?

  init(number: Int, run: Run, versions: [UInt64]) {
    var configuration = ClientSession.Configuration()
    configuration.versions = versions
    configuration.window = Window(messageCount: run.plan.clientWindow, byteCount: 1 << 16)
    configuration.ttlMilliseconds = run.plan.clientTTLMilliseconds
    configuration.helloTimeoutMilliseconds = 2_000
    session = ClientSession(configuration)
    reconnector = Reconnector(backoff: Backoff(floorMilliseconds: 20, ceilingMilliseconds: 400, stableMilliseconds: 1_000))
    reconnector.renewsCredentials = true
    super.init(number: number, run: run)
    session.configuration.auth = ClientSession.Auth(scheme: "none", credential: Secret(user))
  }

  /// A copy of another client: the same session in two places.
  init(copyOf other: LibraryClient, number: Int) {
    (session, reconnector, epoch, nextTicket) = (other.session, other.reconnector, other.epoch, other.session.firstOpenTicket)
    super.init(number: number, run: other.run)
    session.configuration.auth = other.session.configuration.auth
    account.begin(asCopyOf: other.account)
    var ignored: [ClientAction] = []
    session.closed(now: other.now, actions: &ignored)
  }

  override var isWelcomed: Bool { session.isWelcomed }
  override var openCount: Int { session.unackedCount + session.queuedCount }
  override var deadline: Instant {
    min(session.nextDeadline, reconnector.nextDeadline, second == nil ? .never : session.offerDeadline)
  }

  override func connect() {
    guard wire == nil else { return }
    reconnectAt = .never
    reconnector.renewed()
    reconnector.start()
    let wire = world.connect()
    wire.client = self
    self.wire = wire
    openTicket = session.firstOpenTicket
    if changesVersion { session.configuration.versions = session.configuration.versions == [1] ? [2] : [1] }
    changesVersion = false
    session.opened(now: now, actions: &actions)
    carry()
    finish()
  }

  override func advance() {
    if session.nextDeadline <= now {
      session.advance(now: now, actions: &actions)
      carry()
    }
    if second != nil, session.offerDeadline <= now { giveUpSecond() }
    switch reconnector.due(now: now) {
    case .connect: connectAgain()
    case .moveOver: moveOver()
    case .nothing: break
    }
  }

  private func connectAgain() {
    guard wire == nil else { return }
    connect()
  }

  // MARK: What it hears

  override func heard(_ wire: Wire, _ bytes: [UInt8], _ messages: [Range<Int>]) {
    if wire === second { return heardSecond(wire, bytes, messages) }
    guard wire === self.wire else { return }
    session.heard(now: now)
    hear(bytes, messages[...])
    finish()
  }

  private func hear(_ bytes: [UInt8], _ messages: ArraySlice<Range<Int>>) {
    for range in messages {
      if let envelope = session.receive(bytes.span.extracting(range), &reader, now: now, actions: &actions) {
        account.took(Seen(envelope, at: range.lowerBound), bytes)
      }
      if !actions.isEmpty { carry() }
    }
    session.flush(now: now, actions: &actions)
    if !actions.isEmpty { carry() }
    if session.counters.duplicates > 0 { account.accuse(.noDuplicates, "a number came again that it had acknowledged") }
  }

  override func heardTransport(_ wire: Wire) {
    if wire === self.wire { session.heard(now: now) }
  }

  // MARK: Moving without a break

  private func moveOver() {
    guard second == nil, let hello = session.makeOffer(now: now) else { return }
    let wire = world.connect()
    wire.client = self
    (second, mayBeReplacedByItself) = (wire, true)
    world.send([hello], on: wire)
  }

  private func giveUpSecond() {
    guard let wire = second else { return }
    second = nil
    session.withdrawOffer()
    world.hangUp(wire, 1000)
  }

  private func heardSecond(_ wire: Wire, _ bytes: [UInt8], _ messages: [Range<Int>]) {
    for (index, range) in messages.enumerated() {
      switch session.receiveOffered(bytes.span.extracting(range), now: now, actions: &actions) {
      case .waits: continue
      case .declined(let farewell):
        second = nil
        if let farewell { world.send([farewell], on: wire) }
        world.hangUp(wire, 1000)
        return finish()
      case .taken:
        if let first = self.wire {
          first.client = nil
          world.hangUp(first, 1000)
        }
        (self.wire, second) = (wire, nil)
        carry()
        hear(bytes, messages[(index + 1)...])
        return finish()
      }
    }
  }

  // MARK: Ends

  override func closed(_ wire: Wire, _ code: UInt16) {
    if wire === second {
      judgeClose(code)
      second = nil
      session.withdrawOffer()
      return finish()
    }
    guard wire === self.wire else { return }
    if code != CloseCode.replaced.rawValue || !mayBeReplacedByItself { judgeClose(code) }
    ended(.closed(CloseCode(rawValue: code), reason: ""))
  }

  override func lost() {
    wire?.client = nil
    ended(.lost("cut"))
    // When it comes back is not for the reconnector to say.
    if wire == nil { reconnector.stop(.asked) }
  }

  private func ended(_ ending: Reconnector.Ending) {
    wire = nil
    if let second, session.promoteOffer(now: now) {
      wire = second
      self.second = nil
      return finish()
    }
    if second != nil { giveUpSecond() }
    session.closed(now: now, actions: &actions)
    let next = reconnector.ended(ending, now: now, using: &run.dice)
    switch next {
    case .connect, .renewCredential: break
    case .connectAnew: session.forget(actions: &actions)
    case .stop(let reason): stopped(reason)
    }
    carry()
    finish()
  }

  /// A person starts it again after a while; a session that is over is given up.
  private func stopped(_ reason: StopReason) {
    if case .closed(let code) = reason, [CloseCode.tokenReuse, .revoked].contains(code) {
      session.forget(actions: &actions)
    }
    if case .serverFault(let fault) = reason {
      account.accuse(.noLoss, "a fault of the server: \(fault)")
      session.forget(actions: &actions)
    }
    reconnectAt = now.advanced(byMilliseconds: 100 + run.dice.next() % 400)
  }

  override func sayBye() {
    session.bye(actions: &actions)
    carry()
    finish()
  }

  override func changeVersion() { changesVersion = true }

  override func keep() {
    kept = session
    account.keep()
  }

  override func goBack() {
    guard let old = kept, old.sid != nil, old.sid == session.sid else { return }
    account.taint()
    if let wire {
      world.silence(wire)
      wire.client = nil
      self.wire = nil
    }
    session = old
    nextTicket = old.firstOpenTicket
    account.goBack()
    session.closed(now: now, actions: &actions)
    actions.removeAll()
    reconnectAt = now.advanced(byMilliseconds: 5)
    arm()
  }

  // MARK: What it sends

  override func repeatLast() {
    guard session.unackedCount > 0, session.isWelcomed, let lastText else { return }
    outgoing.append(lastText)
    finish()
  }

  override func want(_ wish: Wish, _ number: UInt64) {
    guard openCount < 48 else { return }
    let (payload, id) = (Array(String(number).utf8), String(number))
    do throws(SendFault) {
      let (kind, ticket) = try send(wish, payload, id)
      if let kind { account.sent(number, kind, ticket: ticket) }
    } catch {
      if error != .offline, error != .ended { account.accuse(.quiescence, "it could not send: \(error)") }
    }
    carry()
  }

  private func send(
    _ wish: Wish, _ payload: [UInt8], _ id: String
  ) throws(SendFault) -> (kind: Account.Kind?, ticket: UInt64) {
    switch wish {
    case .publish(let room, let key):
      let ticket = try session.send(
        event: "chat", payload: payload, room: "r\(room)", id: id, key: key.map { "k\($0)" }, now: now, actions: &actions)
      return (.publish(room: room), ticket)
    case .whisper(let room):
      try whisper(room, payload)
      return (nil, 0)
    case .echo: return (.echo, try send("echo", payload, id))
    case .direct(let client): return (.direct(client: client), try send("direct.\(client)", payload, id))
    case .setState: return (.setState, try send("state", payload, id))
    case .join(let room, let presence, let history):
      let ticket = try session.join(
        "r\(room)", presence: presence, older: history.map { .last($0) }, id: id, now: now, actions: &actions)
      return (.join(room: room), ticket)
    case .leave(let room):
      return (.leave(room: room), try session.leave("r\(room)", id: id, now: now, actions: &actions))
    }
  }

  private func send(_ event: String, _ payload: [UInt8], _ id: String) throws(SendFault) -> UInt64 {
    try session.send(event: event, payload: payload, id: id, now: now, actions: &actions)
  }

  private func whisper(_ room: Int, _ payload: [UInt8]) throws(SendFault) {
    let event = try PreparedEvent(event: "chat", payload: payload, room: "r\(room)", isTransient: true)
    try session.sendTransient(event, now: now, actions: &actions)
  }

  // MARK: What the machine asks for

  private func carry() {
    let todo = actions
    actions.removeAll(keepingCapacity: true)
    for action in todo {
      switch action {
      case .transmit(let bytes):
        if bytes.count > 12, bytes[8] == 0x73, bytes[9] == 0x65 { lastText = bytes }
        outgoing.append(bytes)
      case .welcomed(let notice): welcomed(notice)
      case .outcome(let tickets, let outcome): settle(tickets, outcome)
      case .gap(let gap): account.gap(gap)
      case .retryAfter(let wait): reconnector.advised(waitMilliseconds: wait)
      case .draining(let notice):
        reconnector.draining(reconnectAfterMilliseconds: notice.reconnectAfterMilliseconds, now: now)
      case .close(let code, _): giveUp(code)
      case .transportPing: if let wire { world.pingServer(wire) }
      case .live, .session, .fault: break
      }
    }
  }

  /// The machine found a fault: the connection is closed, and the reconnector decides.
  private func giveUp(_ code: CloseCode) {
    guard let wire, let fault = session.fault else { return }
    if !fault.isTransient || isHole(fault) { accuse(fault) }
    if !outgoing.isEmpty { world.send(outgoing, on: wire) }
    outgoing.removeAll()
    world.hangUp(wire, code.rawValue)
    ended(.faulted(fault))
  }

  private func isHole(_ fault: ServerFault) -> Bool { if case .hole = fault { true } else { false } }

  private func accuse(_ fault: ServerFault) {
    let invariant: Invariant =
      switch fault {
      case .hole: .noLoss
      case .ackBeyondSent: .ackBounds
      case .version, .malformed, .binary, .unexpected, .badWelcome, .badGap, .missingSequence: .version
      case .welcomeTimeout, .silent: .quiescence
      }
    account.accuse(invariant, "a fault of the server: \(fault)")
  }

  private func welcomed(_ notice: WelcomeNotice) {
    reconnector.welcomed(now: now)
    mayBeReplacedByItself = false
    let goesOn = notice.isResumed && notice.version == 2 && notice.epoch == epoch
    epoch = notice.epoch
    if !notice.isResumed { lastText = nil }
    account.welcomed(Greeting(notice), goesOn: goesOn, keepingFrom: notice.version == 1 ? openTicket : session.firstOpenTicket)
  }

  /// Every ticket has one outcome, in their order.
  private func settle(_ tickets: ClosedRange<UInt64>, _ outcome: SendOutcome) {
    if tickets.lowerBound != nextTicket {
      account.accuse(.ackHonesty, "an outcome of sends \(tickets), and \(nextTicket) was next")
    }
    nextTicket = tickets.upperBound + 1
  }
}
