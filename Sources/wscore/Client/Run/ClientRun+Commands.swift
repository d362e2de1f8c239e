import Glibc
import SessionCore

/// What each command does.
extension ClientRun {
  /// Goes on with the command under way, and then with the script, as far as nothing has to be waited for.
  func advance() {
    while !hasEnded {
      if let task {
        guard isOver(task) else { return }
        self.task = nil
      }
      guard !hasEnded, task == nil else { continue }
      switch source.next() {
      case .later: return
      case .item(let item): start(item)
      case .end:
        if options.isInteractive || options.readsStandardInput { return }
        endOfScript()
      }
      // A long `repeat` must not keep signals and the network waiting.
      if task == nil, !options.isInteractive || !source.isEmpty { break }
    }
    if task == nil, !source.isEmpty || !options.isInteractive { wakeup.signal() }
  }

  private func start(_ item: CommandSource.Item) {
    switch item.command {
    case .success(let command): start(command, place: item.place)
    case .failure(let fault): fail(fault.what, place: item.place, next: fault.next, .dataError)
    }
  }

  func start(_ command: Command, place: String?) {
    guard waitsForSession(command), !isReady(for: command) else { return run(command, place) }
    guard state == .online || !refusesOffline(command, place) else { return }
    wait(.ready(command), command.verb, place, for: options.timeout)
  }

  private func waitsForSession(_ command: Command) -> Bool {
    guard !command.needsOnline else { return true }
    // A person sees in the prompt that there is none yet.
    guard command.tellsOfSession, !options.isInteractive else { return false }
    if case .connecting = state { return connections == 0 }
    return state == .online && !isReady(for: command)
  }

  /// Whether it can be sent now. Many sends on their way are waited for: the library's queue is bounded.
  func isReady(for command: Command) -> Bool {
    // What a script asked for just before, such as a room, is part of the answer.
    if case .rooms = command, !options.isInteractive, !isSettled { return false }
    return state == .online && (!command.isReliable || link.outstanding < ClientRun.maxOutstanding)
  }

  /// Nobody connects again by itself, so that waiting is in vain.
  private func refusesOffline(_ command: Command, _ place: String?) -> Bool {
    let verb = command.verb
    switch state {
    case .offline:
      fail("\(verb): not connected", place: place, next: "Connect first: resume, or connect URL", .failed)
    case .closed(let ending):
      if connections == 0 {
        let (what, next) = cannotConnect(ending)
        fail(what, place: place, next: next, ending.status)
      } else {
        let what = "\(verb): the connection is closed (\(ending.text))"
        fail(what, place: place, next: "Connect again: connect", ending.status)
      }
    case .connecting, .online, .resuming:
      // A person sees in the prompt why nothing happens yet; the message would go out much later than expected.
      guard options.isInteractive, case .drop = command else { return false }
      fail("drop: there is no connection to drop", .failed)
    }
    return true
  }

  func run(_ command: Command, _ place: String?) {
    switch command {
    case .connect(let url): connect(url, place)
    case .disconnect(let code):
      if state == .online { cut = ("disconnect", now, ledger) }
      state = .offline
      link.disconnect(code: code)
    case .resume(let from):
      if let from { ledger.rewind(to: from) }
      if cut == nil { cut = ("disconnect", now, ledger) }
      state = .resuming(attempt: 1, since: now)
      link.resume(from: from)
    case .send(let sending):
      link.send(sending)
      if sending.awaitsAck { wait(.condition(.acks), "send --ack", place, for: options.timeout) }
    case .raw(let text): link.send(raw: text)
    case .join(let room, let presence, let older): link.join(room, presence: presence, older: older)
    case .leave(let room): link.leave(room)
    case .acknowledge(let seq): link.acknowledge(seq)
    case .drop(let drop): self.drop(drop)
    case .blackhole(let direction, let duration):
      let (end, overflow) = now.addingReportingOverflow(duration.map(Quantity.nanoseconds) ?? .max)
      hole = ("blackhole \(direction.rawValue)", overflow ? .max : end)
      link.blackhole(direction, for: duration)
    case .endBlackhole:
      hole = nil
      link.blackhole(nil, for: nil)
    case .expect, .expectState, .wait, .sleep: startWaiting(command, place)
    case .repeated(let count, let command):
      push(place) { source throws(CommandFault) in try source.push(command, times: count, place: place) }
    case .source(let path): readFile(path, place)
    case .quit: options.isInteractive ? (hasEnded = true) : endOfScript()
    default: inform(command, place)
    }
  }

  private func connect(_ url: String?, _ place: String?) {
    if let url { options.url = url }
    lastEnding = nil
    cut = nil
    state = .connecting(attempt: 1, since: now)
    do throws(CLIError) {
      try link.connect(to: options.url)
    } catch {
      state = .offline
      fail("connect: \(error.what)", place: place, next: error.next, .dataError)
    }
  }

  private func drop(_ drop: Command.Drop) {
    let name = switch drop {
    case .clean(let code): "clean \(code)"
    case .fin: "fin"
    case .rst: "rst"
    }
    cut = (name, now, ledger)
    endingWasExpected = !options.reconnects
    // From here on nothing is online, though the network has yet to notice.
    state = .resuming(attempt: 1, since: now)
    link.drop(drop)
  }

  private func startWaiting(_ command: Command, _ place: String?) {
    switch command {
    case .expect(let expectation):
      wait(.message(expectation), expectation.text, place, for: expectation.within ?? .seconds(2))
    case .expectState(let expectation):
      wait(.state(expectation), expectation.text, place, for: expectation.within ?? options.timeout)
    case .wait(let condition, let within):
      wait(.condition(condition), "wait \(condition.rawValue)", place, for: within ?? options.timeout)
    case .sleep(let duration): wait(.time, "sleep", place, for: duration)
    default: break
    }
  }

  func wait(_ waiting: RunningCommand.Waiting, _ text: String, _ place: String?, for duration: Duration) {
    let (end, overflow) = now.addingReportingOverflow(Quantity.nanoseconds(duration))
    task = RunningCommand(
      waiting: waiting, text: text, place: place, startedAt: now, deadline: overflow ? .max : end)
  }

  private func push(_ place: String?, _ body: (inout CommandSource) throws(CommandFault) -> Void) {
    do {
      try body(&source)
    } catch {
      fail(error.what, place: place, next: error.next, .dataError)
    }
  }

  private func readFile(_ path: String, _ place: String?) {
    do {
      let text = try FileText.read(path)
      push(place) { source throws(CommandFault) in try source.push(ScriptLines(name: path, text: text)) }
    } catch {
      fail("source: \(error.what)", place: place, error.status)
    }
  }

  // MARK: The end

  /// Nothing more is asked for. What is outstanding is waited for, unless that was declined.
  func endOfScript() {
    source.cancel()
    options.readsStandardInput = false
    switch options.onEndOfInput {
    case .close: finish()
    case .stay: wait(.forever, "stay", nil, for: .nanoseconds(Int64.max))
    case .drain:
      if case .closed = state { return finish() }
      if case .offline = state { return finish() }
      wait(.drained, "drain", nil, for: state == .online ? options.drainTimeout : options.timeout)
    }
  }

  func finish() {
    hasEnded = true
    guard case .closed(let ending) = state, failure == nil, !endingWasExpected else { return failIfRefused() }
    let (what, next) = connections == 0 ? cannotConnect(ending) : ("the server closed the session: \(ending.text)", nil)
    fail(what, next: next, ending.status)
  }

  /// What the server would not do did not succeed, though it came to nobody's mind to wait for its answer.
  func failIfRefused() {
    guard !options.isInteractive, let refusal = inbox.refusal, let code = refusal["code"]?.stringValue else { return }
    let isRight = code.hasSuffix(".forbidden") || code.hasPrefix("auth.")
    fail(
      "the server answered \(code): \(refusal["message"]?.stringValue ?? "")",
      next: "If that is how it should be: expect error code=\(code)", isRight ? .notPermitted : .failed)
  }
}
