import SessionCore

/// The faults are over: everybody comes back, everything that is under way arrives, and at last everybody goes.
extension Run {
  /// Simulated time within which every client with a live session is back.
  static let resumeMilliseconds: UInt64 = 2_000

  func heal() {
    enter("healing")
    let began = world.now
    world.misbehaviour = World.Misbehaviour()
    world.delays = World.Delays(
      link: plan.delays.link, wire: 50...2_000, hook: 0...500, handler: 0...500, log: 0...0, notice: 0...1_000)
    if judge.isDraining { stopDraining() }
    for wire in world.wires where !wire.isClosedAtServer {
      wire.stuckUntil = .zero
      if wire.isBlocked { world.setBlocked(false, on: wire) }
    }
    for client in clients where !client.isGone { wakeUp(client) }
    let openedBefore = world.wires.count
    // What a hook or a handler owes from before has its deadline.
    let owed = plan.limits.hookTimeoutMilliseconds + plan.limits.handlerTimeoutMilliseconds
    world.run(until: began.advanced(byMilliseconds: owed))
    let healed = world.now
    let missing = clientsNotSeen(until: healed.advanced(byMilliseconds: Run.resumeMilliseconds))
    guard !world.isHalted else { return }
    for client in missing { checkIsBack(client) }
    // Time for those whose sessions are gone, or are told to come later, and for every answer.
    let end = world.now.advanced(byMilliseconds: 2 * plan.limits.sessionTTLMilliseconds + 7_000)
    while !world.isHalted, world.now < end, !isAtRest { world.run(forMilliseconds: 53) }
    guard !world.isHalted else { return }
    checkAtRest(openedBefore)
  }

  private var isAtRest: Bool {
    clients.allSatisfy { $0.isGone || ($0.isWelcomed && $0.openCount == 0) } && judge.fullQueue == nil
      && liars.allSatisfy { $0.isAtRest }
  }

  /// Who has lost its connection and does not know is told.
  private func wakeUp(_ client: Client) {
    if let copy = client as? LibraryClient, client.number >= plan.clients.count { return retire(copy) }
    if let wire = client.wire, wire.isBroken || wire.losesToServer || wire.losesToClient {
      client.cut(.drop, awayMicroseconds: 1_000)
    } else if client.wire == nil, client.reconnectAt > world.now.advanced(byMilliseconds: 500) {
      client.reconnectAt = world.now.advanced(byMilliseconds: 1)
    }
    client.arm()
  }

  /// Runs, and says who was at no moment welcome. It is not enough to look at the end: a credential that ends, or advice
  /// to move, may have taken a connection just then.
  private func clientsNotSeen(until end: Instant) -> [Client] {
    var missing = clients.filter { !$0.isGone }
    while !world.isHalted, world.now < end {
      world.run(until: min(end, world.now.advanced(byMilliseconds: 50)))
      missing.removeAll(where: \.isWelcomed)
    }
    return missing
  }

  private func checkIsBack(_ client: Client) {
    guard let sid = client.sid, let session = judge.sessions[sid], !session.isEnded, !session.isTainted else { return }
    // Admission asks some to wait, with a time for each.
    if plan.limits.helloRatePerSecond < 1_000 || plan.limits.sessionsPerUser != nil { return }
    judge.accuse(.resumption, "client \(client.number) is not back \(Run.resumeMilliseconds) ms after the faults")
  }

  private func checkAtRest(_ openedBefore: Int) {
    for client in clients where !client.isGone {
      if !client.isWelcomed {
        judge.accuse(.resumption, "client \(client.number) never came back")
      } else {
        client.account.checkAtRest()
        if client.openCount > 0, !client.account.isTainted {
          judge.accuse(.quiescence, "client \(client.number): \(client.openCount) sends have no end")
        }
      }
    }
    for liar in liars { liar.checkAtRest() }
    if let text = judge.fullQueue { judge.accuse(.quiescence, text) }
    judge.audit()
    // A client tries a few times at most, since its waits double; liars come a second and a third time.
    let tries = world.wires.count - openedBefore
    let most = clients.count * 20 + liars.count * 3
    judge.require(tries <= most, .quiescence, "\(tries) connections were opened since the faults ended")
  }

  // MARK: The end

  func leaveEverything() {
    if plan.endsByShutdown { shutDown() }
    guard !world.isHalted else { return }
    enter("leaving")
    for client in clients {
      client.isGone = true
      if let wire = client.wire {
        wire.client = nil
        client.wire = nil
        world.drop(wire, noticeAfterMicroseconds: 0)
      }
    }
    for wire in world.wires where !wire.isClosedAtServer { world.drop(wire, noticeAfterMicroseconds: 10) }
    let longest = plan.limits.sessionTTLMilliseconds + plan.limits.handlerTimeoutMilliseconds
      + plan.limits.hookTimeoutMilliseconds
    // The tombstones of the last sessions go a second after their time, many at once.
    world.run(forMilliseconds: longest + plan.limits.tombstoneTTLMilliseconds + 2_000)
    guard !world.isHalted else { return }
    judge.checkNothingIsLeft()
  }

  /// Drain, with a deadline: nobody is let in, all are told, all are closed in time.
  private func shutDown() {
    enter("shutting down")
    judge.beginDraining()
    world.startDraining(spreadMilliseconds: 200, deadlineMilliseconds: 400)
    judge.checkDrainingIsTold()
    world.run(forMilliseconds: 400)
    guard !world.isHalted else { return }
    let openedCount = world.wires.count
    world.closeAll(.restart)
    world.run(forMilliseconds: 20)
    judge.checkIsShutDown(openedCount)
    stopDraining()
  }
}
