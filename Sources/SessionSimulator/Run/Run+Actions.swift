import SessionCore

extension Run {
  func perform(_ action: Action) {
    world.log?("\(action)")
    let client = clients[action.client]
    guard !client.isGone else { return }
    switch action.kind {
    case .publish(let room, let count, let key):
      // Strangers to the room try it too, once.
      want(client, client.account.isIn(room) ? count : 1) { .publish(room: room, key: key) }
    case .whisper(let room): want(client, 1) { .whisper(room: room) }
    case .echo(let count): want(client, count) { .echo }
    case .direct(let target, let count): want(client, count) { .direct(client: target) }
    case .setState: want(client, 1) { .setState }
    case .join(let room, let presence, let history):
      want(client, 1) { .join(room: room, presence: presence, history: history) }
    case .leave(let room): want(client, 1) { .leave(room: room) }
    default: disturb(client, action.kind)
    }
  }

  private func want(_ client: Client, _ count: Int, _ wish: () -> Wish) {
    for _ in 0..<count { client.want(wish(), nextNumber()) }
    client.finish()
  }

  private func disturb(_ client: Client, _ kind: Action.Kind) {
    switch kind {
    case .repeatLast: client.repeatLast()
    case .cut(let cut, let away): client.cut(cut, awayMicroseconds: away)
    case .awayForItsTime(let less): beAwayForItsTime(client, less: less)
    case .takeOver: if client.isWelcomed { client.cut(.abandon, awayMicroseconds: 0) }
    case .race: race(client)
    case .block(let time): block(client, time)
    case .stick(let time): client.wire?.stuckUntil = Instant(nanoseconds: world.now.nanoseconds + time * 1_000)
    case .changeVersion:
      client.changeVersion()
      client.cut(.reset, awayMicroseconds: 2_000)
    case .bye: client.sayBye()
    case .keep: client.keep()
    case .goBack: client.goBack()
    case .copy: copy(client)
    default: operate(client, kind)
    }
  }

  /// The operator's and the application's doings, and those of others.
  private func operate(_ client: Client, _ kind: Action.Kind) {
    let node = client.number % world.nodes.count
    switch kind {
    case .kick: if let sid = client.sid { _ = world.execute(.kick(sid, reason: "test"), node: node) }
    case .kickUser: _ = world.execute(.kickUser(client.user, reason: "test"), node: node)
    case .advise:
      if let sid = client.sid { _ = world.execute(.advise(sid, reconnectAfterMilliseconds: 5), node: node) }
    case .serverPublish(let room, let count):
      for _ in 0..<count { publish(room, node) }
    case .serverSend(let toUser):
      guard let sid = client.sid else { return }
      let target = toUser ? Target.user(client.user) : .session(sid)
      _ = world.execute(.send(target, event: "note", eventVersion: 1, payload: number()), node: node)
    case .drain(let time): drain(milliseconds: time)
    case .lie(let lie): tell(lie, client)
    case .crowd(let count):
      for _ in 0..<count { strangers.append(Stranger(run: self)) }
    default: break
    }
  }

  private func number() -> [UInt8] { Array(String(nextNumber()).utf8) }

  private func publish(_ room: Int, _ node: Int) {
    _ = world.execute(.publish(room: "r\(room)", RoomEvent(event: "news", payload: number())), node: node)
  }

  /// The wire breaks and both know; the client is back exactly when the session's time is over, or a little beside it.
  private func beAwayForItsTime(_ client: Client, less: Int) {
    guard client.isWelcomed, let wire = client.wire, let sid = client.sid, let session = judge.sessions[sid] else { return }
    let ttl = plan.clientTTLMilliseconds.map { min($0, plan.limits.sessionTTLMilliseconds) } ?? plan.limits.sessionTTLMilliseconds
    world.drop(wire, noticeAfterMicroseconds: 0)
    client.lost()
    client.reconnectAt = .never
    guard let since = session.suspendedAt ?? Optional(world.now) else { return }
    let due = since.nanoseconds / 1_000 + UInt64(Int(ttl) * 1_000 - less * 1_000)
    // The way to the server takes as long as the wire says; it is short for this one.
    let early = plan.delays.wire.lowerBound + plan.delays.hook.lowerBound
    client.reconnectAt = Instant(nanoseconds: (due - min(early, due)) * 1_000)
    client.arm()
  }

  /// The hello with which a client comes back is there twice: on two shards at one moment.
  private func race(_ client: Client) {
    guard client.isWelcomed, client.wire != nil, let sid = client.sid, let session = judge.sessions[sid] else { return }
    session.isTainted = true
    client.cut(.drop, awayMicroseconds: 1)
    let hello = Stranger.hello(resuming: session)
    for number in 0..<4 { strangers.append(Stranger(run: self, hello: hello, node: number % world.nodes.count)) }
  }

  private func block(_ client: Client, _ time: UInt64) {
    guard let wire = client.wire else { return }
    world.setBlocked(true, on: wire)
    later(microseconds: time) { [unowned self] in if !wire.isClosedAtServer { world.setBlocked(false, on: wire) } }
  }

  /// A second client with the same state: a duplicated tab.
  private func copy(_ client: Client) {
    guard let original = client as? LibraryClient, client.isWelcomed, clients.count < 16 else { return }
    client.account.taint()
    let copy = LibraryClient(copyOf: original, number: clients.count)
    clients.append(copy)
    copy.connect()
    later(microseconds: 300_000) { [unowned self] in retire(copy) }
  }

  func retire(_ client: Client) {
    client.isGone = true
    client.cut(.reset, awayMicroseconds: 0)
    client.reconnectAt = .never
  }

  private func drain(milliseconds: UInt64) {
    judge.beginDraining()
    world.startDraining(spreadMilliseconds: 50, deadlineMilliseconds: nil)
    judge.checkDrainingIsTold()
    later(microseconds: milliseconds * 1_000) { [unowned self] in stopDraining() }
  }

  func stopDraining() {
    world.stopDraining()
    judge.isDraining = false
  }

  private func tell(_ lie: Lie, _ client: Client) {
    let liar = Liar(lie, run: self, victim: client.sid.flatMap { judge.sessions[$0] })
    liars.append(liar)
    liar.begin()
  }
}
