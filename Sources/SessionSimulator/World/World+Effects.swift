import SessionCore

/// What shards ask for.
extension World {
  func carry(_ effect: Effect, _ node: Int) {
    switch effect {
    case .write(let slot):
      if let wire = wire(node, slot), !wire.isDirty {
        wire.isDirty = true
        dirtyWires.append(wire)
      }
    case .close(let slot, let code, _): if let wire = wire(node, slot) { close(wire, code) }
    case .resumeReading(let slot): if let wire = wire(node, slot) { resumeReading(wire) }
    case .transportPing(let slot):
      if let wire = wire(node, slot) { pingClient(wire) }
    case .ask(let token, let question): ask(token, question, node)
    case .deliver(let token):
      _ = nodes[node].shard.lendDelivery(token) { delivery in
        deliver(delivery, token, node)
        return nil
      }
    case .log(let token, let operation): log(token, operation, node)
    case .post(let message, let target): post(message, from: node, to: target)
    case .observe(let event):
      counts.lives += 1
      trace.note(7, node)
      onLifecycle?(event)
      observer?.happened(event, node: node)
    case .answer(let token, let result): results[token] = result
    }
  }

  // MARK: The application

  private func ask(_ token: HookToken, _ question: Question, _ node: Int) {
    answering(delays.hook) { world, delay in
      world.push(.answered(token, world.application.answer(question), node: node), after: delay)
    }
  }

  /// What a handler that answers at once says of an event that has just come; nil if the handler is to be asked later.
  func serve(_ delivery: Delivery, _ node: Int) -> HandlerOutcome? {
    guard let oneIn = servedAtOnceOneIn, handlerDice.isOneIn(oneIn) else { return nil }
    counts.hooks += 1
    trace.note(12, node)
    observer?.delivered(delivery, nil, node: node)
    return application.handle(delivery)
  }

  private func deliver(_ delivery: Delivery, _ token: HandlerToken, _ node: Int) {
    observer?.delivered(delivery, token, node: node)
    answering(delays.handler) { world, delay in
      world.push(.handled(token, world.application.handle(delivery), delivery.session.sid, node: node), after: delay)
    }
  }

  /// Once in its time, or as the application misbehaves.
  @inline(__always)
  private func answering(_ delays: ClosedRange<UInt64>, _ body: (World, UInt64) -> Void) {
    let delay = random.draw(delays)
    if let silent = misbehaviour.silentOneIn, random.isOneIn(silent) { return }
    if let slow = misbehaviour.slowOneIn, random.isOneIn(slow) { return body(self, misbehaviour.slowMicroseconds) }
    body(self, delay)
    if let twice = misbehaviour.twiceOneIn, random.isOneIn(twice) {
      body(self, delay + 1 + random.draw(0...200_000))
    }
  }

  // MARK: Between shards

  private func post(_ message: ShardMessage, from: Int, to: Int) {
    let link = from * nodes.count + to
    let due = Instant(nanoseconds: now.nanoseconds + random.draw(delays.link) * 1_000)
    let time = max(due, lastOnLink[link])
    lastOnLink[link] = time
    underwayCount += 1
    push(.posted(message, node: to), at: time)
  }

  // MARK: The log

  private func log(_ token: LogToken, _ operation: LogOperation, _ node: Int) {
    switch operation {
    case .close(let room): logs[room] = nil
    case .open(let room):
      let position = logs[room] ?? LogPosition(log: random.next(), offset: 0)
      logs[room] = position
      answer(token, room, position, node)
    case .append(let room, let event):
      guard var position = logs[room] else { return }
      position.offset += 1
      logs[room] = position
      observer?.logged(room, position, event)
      answer(token, room, position, node)
    }
  }

  private func answer(_ token: LogToken, _ room: String, _ position: LogPosition, _ node: Int) {
    underwayCount += 1
    let due = Instant(nanoseconds: now.nanoseconds + random.draw(delays.log) * 1_000)
    let time = max(due, lastLogged[room] ?? .zero)
    lastLogged[room] = time
    push(.logged(token, position, node: node), at: time)
  }
}
