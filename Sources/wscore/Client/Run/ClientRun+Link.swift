import SessionCore

/// What the network tells.
extension ClientRun {
  func receive(_ event: LinkEvent) {
    switch event {
    case .connecting(let attempt): connecting(attempt)
    case .frame(let direction, let bytes): frame(direction, bytes)
    case .online: online()
    case .ended(_, _, _, wasAsked: true) where state != .offline:
      // The end that `disconnect` asked for, and the script has gone on: to `resume`, for example.
      break
    case .ended(let ending, let wasConnected, let retries, _): ended(ending, wasConnected, retries)
    case .refused(let what): fail(what, .failed)
    }
  }

  private func connecting(_ attempt: Int) {
    switch state {
    case .resuming(_, let since): state = .resuming(attempt: attempt, since: since)
    case .connecting(_, let since): state = .connecting(attempt: attempt, since: since)
    case .offline, .closed, .online:
      state = ledger.sid == nil ? .connecting(attempt: attempt, since: now) : .resuming(attempt: attempt, since: now)
    }
  }

  private func frame(_ direction: Report.Direction, _ bytes: [UInt8]) {
    let message = (try? JSONValue(parsing: bytes)).flatMap { $0.isObject ? $0 : nil }
    if let type = message?["type"]?.stringValue, type != "ping", type != "pong", type != "ack" { lastTraffic = now }
    var alarms: [SessionLedger.Alarm] = []
    if let message {
      learn(message)
      if direction == .in {
        alarms = ledger.received(message)
        inbox.append(MessageExpectation.Message(envelope: message))
      } else {
        if message["type"] == "hello" { greetings += 1 }
        ledger.sent(message)
      }
    }
    say(.frame(direction, message, byteCount: bytes.count))
    alarms.forEach { say(.alarm($0)) }
  }

  private func learn(_ message: JSONValue) {
    if let event = message["event"]?.stringValue { vocabulary.learn(event: event) }
    if let room = message["room"]?.stringValue { vocabulary.learn(room: room) }
    if case .object(let members) = message["payload"] { members.forEach { vocabulary.learn(key: $0.key) } }
  }

  private func online() {
    connections += 1
    state = .online
    lastTraffic = now
    lastEnding = nil
    let resumed = ledger.wasResumed
    let who = "\(ledger.sid ?? "?")" + (ledger.user.map { " as \($0)" } ?? "")
    let how = resumed ? "resumed" : ledger.refusal.map { "new session (\($0))" } ?? "session"
    say(
      .state(
        "online", text: "online, \(how) \(who)",
        fields: [.init("resumed", .bool(resumed)), .init("gen", .int(ledger.generation))]))
    guard let cut else { return }
    self.cut = nil
    let elapsed = Duration.nanoseconds(now - cut.at)
    say(.fault(FaultVerdict(fault: cut.fault, before: cut.before, after: ledger, elapsed: elapsed)))
  }

  private func ended(_ ending: LinkState.Ending, _ wasConnected: Bool, _ retries: Bool) {
    let isFirstFailure = lastEnding == nil
    lastEnding = ending
    if wasConnected, cut == nil {
      let fault = hole.flatMap { $0.until >= now ? $0.fault : nil } ?? "net"
      cut = (fault, now, ledger)
    }
    hole = nil
    let codes: [JSONValue.Member] =
      (ending.code.map { [.init("code", .int($0))] } ?? []) + [.init("reason", .string(ending.reason))]
    guard !retries else {
      if wasConnected {
        state = .resuming(attempt: 1, since: now)
        say(.state("resuming", text: "connection lost (\(ending.text)); resuming", fields: codes))
      } else if isFirstFailure, options.isInteractive {
        let (what, next) = cannotConnect(ending)
        say(.error(place: nil, what, next: next))
      }
      return
    }
    if case .offline = state { return }
    state = .closed(ending)
    say(.state("closed", text: "closed: \(ending.text)", fields: codes))
    if !wasConnected, options.isInteractive {
      let (what, next) = cannotConnect(ending)
      say(.error(place: nil, what, next: next))
    }
  }

  /// The error for a server that cannot be reached, and what to do about it.
  func cannotConnect(_ ending: LinkState.Ending?) -> (what: String, next: String?) {
    ("cannot connect to \(options.url): \(ending.map(\.text) ?? "no answer")", ending?.next)
  }
}
