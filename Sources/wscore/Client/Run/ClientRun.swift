import Glibc
import SessionCore

/// One run of `wscore client`: the main thread's loop over the keyboard or a script, the network's events and signals.
/// Everything in it belongs to that thread; the network posts to `mailbox`.
final class ClientRun {
  var options: ClientOptions
  let link: any Link
  let mailbox: LinkMailbox
  let wakeup: Wakeup

  var state = LinkState.offline
  var ledger = SessionLedger()
  var inbox = Inbox()
  var vocabulary = Vocabulary()
  var muted: Set<Glob> = []
  var showsTimes = true
  /// Connections that said hello, and those that went live.
  var greetings = 0
  var connections = 0
  /// The last reason for which no connection could be made.
  var lastEnding: LinkState.Ending?
  /// The cut whose outcome is due.
  var cut: (fault: String, at: Int64, before: SessionLedger)?
  /// The blackhole that is likely to blame if the connection is lost until then.
  var hole: (fault: String, until: Int64)?
  /// When the last message came or went.
  var lastTraffic: Int64 = 0

  var source: CommandSource
  var task: RunningCommand?
  var hasEnded = false
  /// The status of the first failure.
  var failure: ExitStatus?
  var metExpectations = 0
  var failedExpectations = 0
  /// Alarms that were reported when `expect state` last looked.
  var judged = SessionLedger()
  /// The script said that the server would end the session.
  var endingWasExpected = false

  var editor: LineEditor?
  var queue = OutputQueue(capacity: 200)
  var lastFlush: Int64 = 0
  /// Shortest time between two redraws of the edited line: 20 a second are as many as an eye follows.
  static let redrawInterval: Int64 = 50_000_000
  /// Most sends without an outcome; half of what the library takes.
  static let maxOutstanding = 512

  var now: Int64 { WallClock.monotonicNanoseconds() }

  init(_ options: ClientOptions, link: any Link, mailbox: LinkMailbox, wakeup: Wakeup) {
    self.options = options
    self.link = link
    self.mailbox = mailbox
    self.wakeup = wakeup
    source = options.source ?? CommandSource()
  }

  /// Runs until the user leaves or the script is done.
  /// - Returns: the status of the process.
  /// - Throws: `ExitStatus` when standard output cannot be written.
  func run() throws(ExitStatus) -> ExitStatus {
    CaughtSignals.install(wakeup)
    startEditor()
    defer { editor?.stop() }
    do throws(ExitStatus) {
      run(.connect(url: nil), nil)
      while !hasEnded { try turn() }
    } catch {
      mailbox.close()
      link.stop()
      throw error
    }
    editor?.hide()
    // What follows is our own doing and no news.
    state = .offline
    mailbox.close()
    link.stop()
    for event in mailbox.takeAll() { receive(event) }
    if !options.isInteractive { summarize() }
    editor?.hide()
    try flush()
    return failure ?? .ok
  }

  private func startEditor() {
    guard options.isInteractive else { return }
    let editor = LineEditor(output: .standardOutput) { [unowned self] in vocabulary.complete($0) }
    editor.start(history: History.path())
    self.editor = editor
    say(.note("wscore \(WScore.version). help lists the commands, Ctrl-D leaves."))
  }

  /// One turn of the loop: wait for anything, handle all of it, go on with the commands.
  private func turn() throws(ExitStatus) {
    let isReadable = poll()
    handle(CaughtSignals.take())
    for event in mailbox.takeAll() { receive(event) }
    if isReadable { readInput() }
    advance()
    try show()
  }

  /// Whether a person may type now.
  var isAtPrompt: Bool { editor != nil && task == nil && source.isEmpty && !hasEnded }

  private var wantsInput: Bool {
    isAtPrompt || (options.readsStandardInput && task == nil)
  }

  /// Waits, and tells whether standard input has something.
  private func poll() -> Bool {
    var descriptors = [
      pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: wantsInput ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
    ]
    let delay = max(0, nextDeadline() - now)
    let milliseconds = delay > 3_600_000_000_000 ? -1 : Int32((delay + 999_999) / 1_000_000)
    let count = Glibc.poll(&descriptors, nfds_t(descriptors.count), milliseconds)
    guard count > 0 else { return false }
    if descriptors[0].revents != 0 { wakeup.clear() }
    return descriptors[1].revents != 0
  }

  private func nextDeadline() -> Int64 {
    var deadline = Int64.max
    if let task { deadline = min(deadline, task.wakesAt(self)) }
    if task == nil, !options.isInteractive, !options.readsStandardInput || hasEnded { deadline = now }
    if !queue.isEmpty || promptIsDue { deadline = min(deadline, lastFlush + ClientRun.redrawInterval) }
    if isAtPrompt, isCounting { deadline = min(deadline, lastFlush + 500_000_000) }
    return deadline
  }

  /// Whether the prompt shows a time that passes.
  private var isCounting: Bool {
    switch state {
    case .connecting, .resuming: true
    case .offline, .online, .closed: false
    }
  }

  // MARK: Input

  private func readInput() {
    guard let editor, options.isInteractive else { return readScript() }
    switch editor.read() {
    case .nothing: break
    case .entry(let entry): take(entry)
    case .end:
      say(.note("bye"))
      hasEnded = true
    }
  }

  private func take(_ entry: String) {
    do {
      // Pasted lines are what a script is.
      if JSONBalance.hasSeveralCommands(entry) {
        inbox.removeAll()
        return try source.push(ScriptLines(name: "pasted", text: Array(entry.utf8)))
      }
      guard let command = try CommandParser.parse(entry) else { return }
      // At a prompt an expectation is about what follows the last command, not about all that ever came.
      if !command.isExpectation { inbox.removeAll() }
      start(command, place: nil)
    } catch {
      fail(error.what, next: error.next, .dataError)
    }
  }

  private func readScript() {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = read(STDIN_FILENO, &bytes, bytes.count)
    if count < 0, errno == EINTR || errno == EAGAIN { return }
    source.feed(Array(bytes.prefix(max(0, count))))
    if count <= 0 { options.readsStandardInput = false }
  }

  // MARK: Signals

  private func handle(_ signals: CaughtSignals) {
    if signals.contains(.resize) { editor?.resize() }
    if signals.contains(.resume) { editor?.resume() }
    if signals.contains(.terminate) || signals.contains(.hangup) { end(with: .terminated) }
    if signals.contains(.interrupt) { interrupt() }
    guard signals.contains(.suspend) else { return }
    suspend()
    // Continued: that came as a signal too, and has to be seen before anything is shown.
    handle(CaughtSignals.take())
  }

  private func suspend() {
    guard let editor else {
      raise(SIGSTOP)
      return
    }
    editor.suspend()
  }

  /// Ctrl-C gives up what is typed or what is running, never the connection; a script it ends.
  private func interrupt() {
    guard let editor else { return end(with: .interrupted) }
    if task != nil || !source.isEmpty {
      task = nil
      source.cancel()
      say(.note("cancelled"))
    } else if !editor.cancel() {
      say(.note("Ctrl-D to quit"))
    }
  }

  func end(with status: ExitStatus) {
    failure = status
    hasEnded = true
  }
}
