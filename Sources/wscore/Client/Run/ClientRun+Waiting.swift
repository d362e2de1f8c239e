import SessionCore

/// What commands wait for, and what happens when it does not come.
extension ClientRun {
  /// Whether the command is over; if so, its outcome has been told.
  func isOver(_ task: RunningCommand) -> Bool {
    switch task.waiting {
    case .ready(let command): isStarted(task, command)
    case .message(let expectation): isMet(task, expectation)
    case .state(let expectation): isMet(task, expectation)
    case .condition(let condition): isTrue(task, condition)
    case .time: now >= task.deadline
    case .drained: isDrained(task)
    case .forever: isClosed
    }
  }

  private var isClosed: Bool {
    guard case .closed = state else { return false }
    finish()
    return true
  }

  private func isStarted(_ task: RunningCommand, _ command: Command) -> Bool {
    if isReady(for: command) {
      self.task = nil
      run(command, task.place)
      // The command may wait in turn.
      return self.task == nil || isOver(self.task ?? task)
    }
    if case .closed(let ending) = state {
      let (what, next) = connections == 0
        ? cannotConnect(ending) : ("\(command.verb): the connection is closed (\(ending.text))", nil)
      fail(what, place: task.place, next: next, ending.status)
      return true
    }
    guard now >= task.deadline else { return false }
    if connections == 0 {
      let (what, next) = cannotConnect(lastEnding)
      fail(what, place: task.place, next: next, lastEnding?.status ?? .unavailable)
    } else {
      let within = Quantity.text(.nanoseconds(task.deadline - task.startedAt))
      let status: ExitStatus = state == .online ? .timedOut : lastEnding?.status ?? .unavailable
      fail("\(command.verb): could not be sent within \(within) (\(outstandingText))", place: task.place, status)
    }
    return true
  }

  private func isMet(_ task: RunningCommand, _ expectation: MessageExpectation) -> Bool {
    let within = Quantity.text(.nanoseconds(task.deadline - task.startedAt))
    if inbox.take(expectation) {
      if expectation.isAbsence {
        miss("expect: \"\(expectation.subject)\" came, and was not to come", task)
      } else {
        met(task)
      }
      return true
    }
    guard now >= task.deadline else { return false }
    if expectation.isAbsence {
      met(task)
    } else {
      miss("expect: no \"\(expectation.subject)\" within \(within) (received: \(inbox.contents))", task)
    }
    return true
  }

  private func isMet(_ task: RunningCommand, _ expectation: Command.StateExpectation) -> Bool {
    let missing = ledger.gaps + ledger.holes - judged.gaps - judged.holes
    let repeated = ledger.duplicates - judged.duplicates
    if !expectation.allowsGap, missing > 0 {
      miss("expect: \(missing) messages are missing", task)
    } else if !expectation.allowsDuplicate, repeated > 0 {
      miss("expect: \(repeated) messages came twice", task)
    } else if state.name == expectation.state {
      if case .closed = state { endingWasExpected = true }
      met(task)
    } else if now >= task.deadline {
      let within = Quantity.text(.nanoseconds(task.deadline - task.startedAt))
      miss("expect: not \(expectation.state.rawValue) within \(within) (it is \(state.description))", task)
    } else {
      return false
    }
    judged = ledger
    return true
  }

  private func met(_ task: RunningCommand) {
    metExpectations += 1
    say(.expectation(text: task.text, elapsed: .nanoseconds(now - task.startedAt)))
  }

  private func miss(_ what: String, _ task: RunningCommand) {
    failedExpectations += 1
    fail(what, place: task.place, .failed)
  }

  private func isTrue(_ task: RunningCommand, _ condition: Command.Condition) -> Bool {
    if isTrue(condition, since: task.startedAt) { return true }
    if case .closed(let ending) = state {
      let what = "\(task.text): the connection is closed (\(ending.text))"
      fail(what, place: task.place, next: ending.next, ending.status)
      return true
    }
    guard now >= task.deadline else { return false }
    let within = Quantity.text(.nanoseconds(task.deadline - task.startedAt))
    fail("\(task.text): not within \(within) (\(outstandingText))", place: task.place, .timedOut)
    return true
  }

  private func isTrue(_ condition: Command.Condition, since start: Int64) -> Bool {
    switch condition {
    case .online: state == .online
    case .acks: state == .online && isSettled
    case .idle: state == .online && isSettled && now - max(lastTraffic, start) >= RunningCommand.idleTime
    }
  }

  /// Nothing is due from the server.
  var isSettled: Bool { link.outstanding == 0 && ledger.isSettled }

  private var outstandingText: String {
    "\(state.description)\(state == .online ? "" : lastEnding.map { ": \($0.text)" } ?? ""), \(max(UInt64(link.outstanding), ledger.unacknowledged)) sends not acknowledged, "
      + "\(ledger.unanswered.count) not answered"
  }

  /// A script is done when everything it sent was taken and answered.
  private func isDrained(_ task: RunningCommand) -> Bool {
    if case .closed = state {
      finish()
      return true
    }
    if state == .online, isSettled, now - max(lastTraffic, task.startedAt) >= task.quietTime(ledger.version) {
      hasEnded = true
      failIfRefused()
      return true
    }
    guard now >= task.deadline else { return false }
    if connections == 0 {
      let (what, next) = cannotConnect(lastEnding)
      fail(what, next: next, lastEnding?.status ?? .unavailable)
    } else {
      let within = Quantity.text(.nanoseconds(task.deadline - task.startedAt))
      fail("not drained within \(within) (\(outstandingText))", .timedOut)
    }
    hasEnded = true
    return true
  }
}

extension LinkState {
  var name: Command.SessionState {
    switch self {
    case .online: .online
    case .connecting, .resuming: .resuming
    case .offline, .closed: .closed
    }
  }

  var description: String {
    switch self {
    case .offline: "offline"
    case .connecting: "connecting"
    case .online: "online"
    case .resuming: "resuming"
    case .closed(let ending): "closed: \(ending.text)"
    }
  }
}
