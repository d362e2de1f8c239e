import Glibc
import SessionCore

/// What is shown, and when.
extension ClientRun {
  /// Puts something on its way to the user.
  func say(_ content: Report.Content) {
    guard isShown(content) else { return }
    let report = Report(content, session: ledger.sid, connection: greetings)
    switch options.format {
    case .ndjson:
      let line = NDJSONRenderer().render(
        report, timestamp: WallClock.timestamp(), monotonic: WallClock.monotonicNanoseconds())
      if let line { queue.append(line, .always) }
    case .text:
      let importance: OutputQueue.Importance = isMessage(content) && options.isInteractive ? .message : .always
      for line in renderer.render(report, time: WallClock.timeOfDay()) { queue.append(line, importance) }
    }
  }

  var renderer: TextRenderer {
    TextRenderer(
      style: options.style, isUTF8: options.isUTF8, showsTimes: showsTimes, width: options.isInteractive ? 2000 : nil)
  }

  private func isMessage(_ content: Report.Content) -> Bool {
    if case .frame = content { true } else { false }
  }

  private func isShown(_ content: Report.Content) -> Bool {
    switch content {
    case .frame(let direction, let message, _): return isShown(direction, message)
    case .state: return !options.isQuiet
    case .note: return options.isInteractive && !options.isQuiet
    default: return true
    }
  }

  /// Programs see every frame; people see what is for them.
  private func isShown(_ direction: Report.Direction, _ message: JSONValue?) -> Bool {
    guard !options.isQuiet else { return false }
    guard let message else { return true }
    let name = MessageExpectation.Message(envelope: message).name
    guard !muted.contains(where: { $0.matches(name) }) else { return false }
    guard options.format == .text else { return true }
    let type = message["type"]?.stringValue
    return direction == .in && !["welcome", "live", "ack", "ping", "pong", "gap"].contains(type)
  }

  /// Says what went wrong and notes the status; a script ends unless it is to keep going.
  func fail(_ what: String, place: String? = nil, next: String? = nil, _ status: ExitStatus) {
    if options.isInteractive {
      say(.error(place: place, what, next: next))
      // Within `source` and `repeat` an error ends the rest.
      source.cancel()
      return
    }
    if options.format == .ndjson { say(.error(place: place, what, next: next)) }
    let error = CLIError((place.map { "\($0): " } ?? "") + what, next: next, status: status)
    // Nobody reads standard error then; the status still tells.
    try? LineOutput.standardError.write(error.rendered(options.errorStyle))
    failure = failure ?? status
    if !options.keepsGoing { hasEnded = true }
  }

  // MARK: The terminal

  var prompt: String { Prompt.text(state, ledger, now: now, style: options.style) }

  var promptIsDue: Bool {
    guard let editor, isAtPrompt else { return false }
    return !editor.isShown || (!isCountingPrompt && editor.isStale(prompt))
  }

  private var isCountingPrompt: Bool {
    switch state {
    case .connecting, .resuming: true
    default: false
    }
  }

  /// Brings the screen up to date; the edited line is redrawn at most 20 times a second.
  func show() throws(ExitStatus) {
    guard let editor else { return try flush() }
    guard isAtPrompt else {
      editor.hide()
      return try flush()
    }
    guard editor.isShown else {
      try flush()
      editor.show(prompt: prompt)
      lastFlush = now
      return
    }
    guard now - lastFlush >= ClientRun.redrawInterval, !queue.isEmpty || editor.isStale(prompt) else { return }
    try flush()
    editor.show(prompt: prompt)
    lastFlush = now
  }

  func flush() throws(ExitStatus) {
    guard !queue.isEmpty else { return }
    let text = queue.take(isUTF8: options.isUTF8)
    lastFlush = now
    if let editor {
      try editor.write(text, prompt: prompt)
    } else {
      try LineOutput.standardOutput.write(text)
    }
  }

  /// The last line of a script's output.
  func summarize() {
    say(
      .summary([
        "frames_in": .int(ledger.framesIn), "frames_out": .int(ledger.framesOut), "lost": .int(ledger.holes),
        "gaps": .int(ledger.gaps), "dup": .int(ledger.duplicates), "unknown": .int(ledger.unknown),
        "connections": .int(connections),
        "expectations": ["met": .int(metExpectations), "failed": .int(failedExpectations)],
        "exit": .int((failure ?? .ok).rawValue),
      ]))
  }
}
