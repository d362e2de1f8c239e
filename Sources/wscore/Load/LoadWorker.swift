import NIOCore
import SessionClient
import SessionCore

/// One event loop's share of a run: every `loops`-th session, the timetable for them, their ledger and their times.
/// Everything happens on the loop; the run looks at it through `board`.
final class LoadWorker {
  static let event = "load"

  let plan: LoadPlan
  let schedule: LoadSchedule
  let layout: RoomLayout
  /// Which of the loops it is, from 0.
  let number: Int
  let loop: any EventLoop
  private let board: LoadBoard
  private let configuration: SessionClient.Configuration
  private let shared: ClientLoop
  var ledger: Ledger
  private(set) var sessions: [LoadSession] = []
  private var roomNames: [String]

  var figures = LoadFigures()
  var times = LoadTimes()
  var takeovers: UInt64 = 0
  private var endings: [String: UInt64] = [:]
  private var stormResults: [LoadReport.StormResult]

  // Starting.
  private var nextStart = 0
  private var startsAllowed = 0
  private var inFlight = 0
  private var rampBegan: UInt64 = 0
  private var isRampTimerSet = false

  // Sending.
  private var traffic: UInt64?
  private var nextMessage = 0
  private var isStopped = false
  private var lastSendAt: UInt64 = 0
  /// Lags count as the storm's until here.
  private var stormUntil: UInt64 = 0
  private var brokenCount = 0

  init(
    _ plan: LoadPlan, number: Int, loop: any EventLoop, board: LoadBoard, _ configuration: SessionClient.Configuration
  ) {
    (self.plan, self.number, self.loop, self.board) = (plan, number, loop, board)
    shared = ClientLoop(loop)
    (schedule, layout, self.configuration) = (plan.schedule, plan.layout, configuration)
    let indexes = Array(stride(from: number, to: plan.sessions, by: plan.loops))
    ledger = Ledger(layout: layout, sessions: indexes, maxNumber: UInt32(clamping: schedule.messageCount))
    stormResults = plan.storms.map { LoadReport.StormResult($0) }
    let layout = layout
    roomNames = (0..<layout.roomCount).map { layout.name($0) }
    sessions = indexes.enumerated().map { LoadSession(index: $1, place: $0, worker: self) }
    tick()
  }

  static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

  func roomName(_ session: Int) -> String { roomNames[layout.room(of: session)] }

  private func isMine(_ session: Int) -> Bool { session % plan.loops == number }

  /// Posts the figures ten times a second, and lets the ramp go on.
  private func tick() {
    post()
    startMore()
    loop.assumeIsolated().scheduleTask(in: .milliseconds(100)) { if !self.board.isOver { self.tick() } }
  }

  private func post() {
    (figures.delivered, figures.gapped) = (ledger.deliveredCount, ledger.gapCount)
    figures.isClean = ledger.tally.isClean
    figures.broken = brokenCount
    figures.latencyP50 = times.latency.milliseconds(percentile: 50)
    figures.latencyP99 = times.latency.milliseconds(percentile: 99)
    figures.resumeP99 = times.resume.milliseconds(percentile: 99)
    if isStopped { figures.pending = sessions.count { $0.isPending } }
    board.post(figures, from: number)
  }

  func fail(_ what: String, _ status: ExitStatus, next: String? = nil) {
    board.fail(CLIError(what, next: next, status: status))
  }

  // MARK: Starting sessions

  /// - Parameter count: how many of the worker's sessions may have been started in all.
  func allowStarts(_ count: Int) {
    startsAllowed = min(count, sessions.count)
    rampBegan = LoadWorker.now
    startMore()
  }

  private func startMore() {
    let share = max(1, LoadPlan.maxHandshakes / plan.loops)
    let allowed = startsByNow()
    while nextStart < allowed, inFlight < share {
      start(sessions[nextStart])
      nextStart += 1
    }
  }

  /// How many sessions may have been started; with a ramp, comes back when there may be one more.
  private func startsByNow() -> Int {
    guard let ramp = plan.ramp, startsAllowed > 1 else { return startsAllowed }
    let own = ramp / Double(plan.loops)
    let elapsed = Double(LoadWorker.now - rampBegan) / 1e9
    let count = min(startsAllowed, Int(min(elapsed * own, 1e9)) + 1)
    // Slow ramps go on with the ticks.
    if count < startsAllowed, !isRampTimerSet, own > 10 {
      isRampTimerSet = true
      loop.assumeIsolated().scheduleTask(in: .nanoseconds(Int64(max(1e9 / own, 1e6)))) {
        self.isRampTimerSet = false
        self.startMore()
      }
    }
    return count
  }

  private func start(_ session: LoadSession) {
    var configuration = configuration
    configuration.connection.localAddress = plan.localAddress(of: session.index)
    if !plan.tokens.isEmpty {
      configuration.session.auth = .init(
        scheme: plan.authScheme.name, credential: plan.tokens[session.index % plan.tokens.count])
    }
    configuration.seed = LoadSchedule.mixed(plan.seed &+ UInt64(session.index))
    session.stage = .connecting
    session.startedAt = LoadWorker.now
    inFlight += 1
    let client = SessionClient(configuration, on: loop, delegate: session, sharing: shared)
    session.client = client
    client.connect()
  }

  func isReady(_ session: LoadSession) {
    session.stage = .ready
    times.connect.record(from: session.startedAt, to: LoadWorker.now)
    inFlight -= 1
    figures.ready += 1
    if figures.ready == sessions.count || figures.ready == 1 { post() }
    startMore()
  }

  /// An `error` message. While the rooms fill it ends the run.
  func refused(_ session: LoadSession, _ envelope: Envelope, _ bytes: Span<UInt8>) {
    let json = envelope.payload.flatMap { try? JSONValue(parsing: bytes.extracting($0)) }
    let code = DisplayWidth.printable(json?["code"]?.stringValue ?? "error")
    noteEnding("error \(code)")
    if session.stage == .joining, envelope.re != nil {
      fail("session \(session.index) may not join \(roomName(session.index)): \(code)", .notPermitted)
    } else if session.stage == .ready, envelope.seq != nil, json?["retry"] == "never" {
      // Nothing is lost of which its sender is told so, and what was refused once will be each time.
      let status = code.hasSuffix(".forbidden") ? ExitStatus.notPermitted : .failed
      let message = json?["message"]?.stringValue.map { ": \(DisplayWidth.printable($0))" } ?? ""
      fail("the server refuses what session \(session.index) says: \(code)\(message)", status)
    }
  }

  // MARK: Sending

  /// Begins the timetable, and the storms by it, at `start` on the monotonic clock.
  func beginTraffic(at start: UInt64) {
    traffic = start
    for (position, storm) in plan.storms.enumerated() {
      let at = start + UInt64(Quantity.nanoseconds(storm.at))
      loop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(at)) { self.strike(position) }
    }
    scheduleSending(at: start)
  }

  func stopTraffic() {
    isStopped = true
    post()
  }

  /// Messages of one millisecond go out together: their lag is part of the latency.
  private func scheduleSending(at due: UInt64) {
    let deadline = max(due, LoadWorker.now + 1_000_000)
    loop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(deadline)) { self.sendDue() }
  }

  private func sendDue() {
    guard let traffic, !isStopped else { return }
    let now = LoadWorker.now
    // A bound on one turn lets the loop read in between when there is much to catch up.
    for _ in 0..<512 {
      guard nextMessage < schedule.messageCount else { return }
      let due = traffic + schedule.offset(of: nextMessage)
      guard due <= now else { break }
      let sender = schedule.sender(of: nextMessage)
      nextMessage += 1
      if isMine(sender) { send(from: sessions[sender / plan.loops], due) }
    }
    guard nextMessage < schedule.messageCount else { return }
    scheduleSending(at: traffic + schedule.offset(of: nextMessage))
  }

  private func send(from session: LoadSession, _ due: UInt64) {
    let now = LoadWorker.now
    figures.scheduled += 1
    if session.send(intended: due, now: now) {
      figures.sent += 1
      figures.owed += UInt64(layout.memberCount(layout.room(of: session.index)))
    }
    lastSendAt = now
    if brokenCount > 0 || now < stormUntil { return }
    times.lag.record(from: due, to: now)
  }

  // MARK: Receiving

  /// - Parameter isNamed: whether it has the names of our event and of the session's room.
  func received(_ session: LoadSession, _ payload: Span<UInt8>, _ position: LogPosition?, isNamed: Bool) {
    let now = LoadWorker.now
    var isWhole = false
    guard let message = LoadPayload(scanning: payload, byteCount: plan.payloadBytes, isWhole: &isWhole) else {
      return ledger.noteUnreadable(receiver: session.place, at: now)
    }
    let finding = ledger.take(
      receiver: session.place, sender: message.sender, number: message.number, position: position, at: now)
    guard finding == .next || finding == .early || finding == .late else { return }
    // Without its place nobody could tell whether it came in the room's order.
    if let fault = !isWhole || !isNamed ? Counterexample.Kind.changed : position == nil ? .unplaced : nil {
      ledger.note(fault, receiver: session.place, sender: message.sender, number: message.number, at: now)
    }
    times.latency.record(from: message.intended, to: now)
    times.service.record(from: message.handed, to: now)
  }

  // MARK: Broken connections

  private func strike(_ position: Int) {
    guard !isStopped else { return }
    let now = LoadWorker.now
    stormUntil = now + LoadWorker.stormTail
    for index in schedule.targets(of: plan.storms[position], position: position) where isMine(index) {
      let session = sessions[index / plan.loops]
      guard session.stage == .ready, session.brokenAt == nil, let client = session.client else { continue }
      (session.brokenAt, session.storm) = (LoadWorker.now, position)
      stormResults[position].dropped += 1
      countDrop()
      switch plan.drop {
      case .rst: client.drop(.rst)
      case .fin: client.drop(.fin)
      case .clean: client.drop(.clean(code: 1001))
      }
    }
  }

  /// How long after the last resume the generator may still be catching up.
  private static let stormTail: UInt64 = 2_000_000_000

  private func countDrop() {
    figures.dropped += 1
    brokenCount += 1
  }

  func resumed(_ session: LoadSession, since: UInt64) {
    let now = LoadWorker.now
    times.resume.record(from: since, to: now)
    figures.resumed += 1
    brokenCount -= 1
    if let storm = session.storm { stormResults[storm].resumed += 1 }
    if brokenCount == 0 { stormUntil = now + LoadWorker.stormTail }
  }

  /// The session came back as a new one, or will not come back.
  func noteRetired(_ session: LoadSession, _ reason: String) {
    noteEnding("not resumed: \(DisplayWidth.printable(reason))")
    ledger.release(receiver: session.place)
    figures.retired += 1
    if session.brokenAt == nil { figures.dropped += 1 } else { brokenCount -= 1 }
    session.brokenAt = nil
  }

  func noteEnding(_ text: String) {
    // A server could make up a new text each time.
    guard endings[text] != nil || endings.count < 64 else { return }
    endings[text, default: 0] += 1
  }

  func ended(_ session: LoadSession, _ ending: ConnectionEnding, _ next: Reconnector.Next) {
    if board.isOver { return }
    let text = DisplayWidth.printable("\(ending)")
    switch session.stage {
    case .ready:
      if session.brokenAt == nil {
        session.brokenAt = LoadWorker.now
        figures.unplannedDrops += 1
        countDrop()
        noteEnding(text)
      } else if case .dropped = ending {
      } else {
        noteEnding(text)
      }
      if LoadWorker.isFinal(next) { session.retire(text) }
    case .connecting, .joining:
      noteEnding(text)
      board.noteFailedStart(text, LoadWorker.status(of: ending))
      if LoadWorker.isFinal(next) || (figures.ready == 0 && session.index == 0) { failStart(session, ending) }
    case .idle, .retired: break
    }
  }

  private static func isFinal(_ next: Reconnector.Next) -> Bool {
    switch next {
    case .stop, .renewCredential: true
    case .connect, .connectAnew: false
    }
  }

  /// What a start that fails so means for whoever called us.
  private static func status(of ending: ConnectionEnding) -> ExitStatus {
    switch ending {
    case .refused(401, _), .refused(403, _): .notPermitted
    case .refused(503, _): .tryAgain
    case .closed(let code?, _, _): LinkState.Ending(code: code, reason: "").status
    case .insecure(let fault): fault.status
    case .notWebSocket, .violation: .protocolError
    case .connectFailed, .refused, .closed, .dropped: .unavailable
    }
  }

  private func failStart(_ session: LoadSession, _ ending: ConnectionEnding) {
    let what = "cannot connect to \(plan.url): \(DisplayWidth.printable("\(ending)"))"
    let why = session.client?.session.lastError.map { DisplayWidth.printable("\($0.code): \($0.message)") }
    let advice = ConnectAdvice.next(ending, plan.url)
    let status = LoadWorker.status(of: ending)
    switch ending {
    case .closed, .dropped, .violation: fail(what, status, next: advice ?? why)
    case .connectFailed, .insecure, .notWebSocket, .refused: fail(what, status, next: advice)
    }
  }

  // MARK: The end

  /// What the loop has to tell; the verdict needs it of all loops. Sessions that are still without a connection count
  /// as not resumed, and nothing else is held against the server for them.
  func result() -> LoadShare {
    post()
    for session in sessions {
      guard let client = session.client else { continue }
      session.account.close(waiting: client.session.queuedCount)
    }
    for session in sessions where session.brokenAt != nil {
      session.leaveOpen()
      ledger.release(receiver: session.place)
    }
    return LoadShare(
      figures: figures, times: times, accounts: sessions.map(\.account), positions: ledger.positions, storms: stormResults, endings: endings,
      takeovers: takeovers, lastSendAt: lastSendAt, stillBroken: UInt64(brokenCount))
  }

  /// - Parameters:
  ///   - accounts: of all sessions of the run.
  ///   - positions: what the receivers of all loops saw.
  func judged(_ accounts: [SenderAccount], _ positions: PositionTable) -> LoadTally {
    var tally = ledger.judged(accounts, positions)
    for session in sessions {
      guard let counters = session.client?.session.counters else { continue }
      tally.noteWire(
        duplicates: counters.duplicates, holes: counters.holes, room: layout.room(of: session.index),
        receiver: session.index)
    }
    return tally
  }

  func sayGoodbye() {
    for session in sessions { session.client?.bye() }
  }

  var openCount: Int { sessions.count { $0.client?.connection != nil } }
}
