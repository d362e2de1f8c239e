import NIOCore
import SessionClient
import SessionCore

/// A run from the first connection to the verdict.
struct LoadRun {
  private let plan: LoadPlan
  private let progress: LoadProgress
  private let board: LoadBoard
  private let interrupt: LoadInterrupt

  init(_ plan: LoadPlan, _ progress: LoadProgress) {
    (self.plan, self.progress) = (plan, progress)
    board = LoadBoard(loops: plan.loops)
    interrupt = LoadInterrupt.watch()
  }

  /// - Throws: `CLIError` when the run could not begin; `ExitStatus.interrupted` when it was ended before it did.
  func report() async throws -> LoadReport {
    let group = try LoadLoops.group(plan)
    let workers = try await workers(on: group)
    // Connections that are slow to close still call their workers until the loops are gone.
    defer { withExtendedLifetime(workers) {} }
    do {
      var report = try await report(of: workers)
      report.io = LoadLoops.io(of: group)
      try await group.shutdownGracefully()
      return report
    } catch {
      board.end()
      progress.finish()
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private typealias Worker = NIOLoopBound<LoadWorker>

  private func report(of workers: [Worker]) async throws -> LoadReport {
    try await startSessions(workers)
    let start = LoadWorker.now + 20_000_000
    each(workers) { $0.beginTraffic(at: start) }
    let stop = await carryTraffic(start)
    each(workers) { $0.stopTraffic() }
    await settle(stop)
    if let failure = board.failure { throw failure }
    let report = try await collect(workers, start, stop)
    await end(workers)
    progress.finish()
    return report
  }

  private func workers(on group: any EventLoopGroup) async throws -> [Worker] {
    var configuration = try SessionClient.Configuration(plan.url)
    configuration.connection.tls = plan.tls
    configuration.backoff = Backoff(
      floorMilliseconds: LoadRun.milliseconds(plan.backoff.floor),
      ceilingMilliseconds: LoadRun.milliseconds(plan.backoff.ceiling), stableMilliseconds: 1_000)
    // A sender that is offline keeps what is due; a minute's worth is more than any storm should last.
    let perSession = plan.rate / Double(plan.sessions) * 60
    configuration.session.queue = Window(
      messageCount: 1_024 + Int(min(perSession, 1e6)), byteCount: 64 * 1_048_576)
    let board = board, plan = plan, sent = configuration
    var workers: [Worker] = []
    for number in 0..<plan.loops {
      let loop = group.next()
      workers.append(
        try await loop.submit {
          NIOLoopBound(LoadWorker(plan, number: number, loop: loop, board: board, sent), eventLoop: loop)
        }.get())
    }
    return workers
  }

  private static func milliseconds(_ duration: Duration) -> UInt64 {
    UInt64(clamping: Quantity.nanoseconds(duration) / 1_000_000)
  }

  private func each(_ workers: [Worker], _ body: @escaping @Sendable (LoadWorker) -> Void) {
    for worker in workers { worker.eventLoop.execute { body(worker.value) } }
  }

  private func ask<Answer: Sendable>(
    _ worker: Worker, _ body: @escaping @Sendable (LoadWorker) -> Answer
  ) async throws -> Answer {
    try await worker.eventLoop.submit { body(worker.value) }.get()
  }

  // MARK: Phases

  /// The first session shows whether there is a server at all; then come the others.
  private func startSessions(_ workers: [Worker]) async throws {
    each([workers[0]]) { $0.allowStarts(1) }
    try await wait(untilReady: 1, .connecting)
    each(workers) { $0.allowStarts(.max) }
    try await wait(untilReady: plan.sessions, .connecting)
  }

  /// - Throws: when nothing has moved for `stall`.
  private func wait(untilReady count: Int, _ phase: LoadProgress.Phase) async throws {
    var best = -1
    var movedAt = LoadWorker.now
    while true {
      let figures = board.total
      progress.show(phase, figures, seconds: 0)
      if let failure = board.failure { throw failure }
      if interrupt.isRaised { throw ExitStatus.interrupted }
      if figures.ready >= count { return }
      if figures.ready > best { (best, movedAt) = (figures.ready, LoadWorker.now) }
      guard LoadWorker.now - movedAt < LoadRun.stall else {
        throw CLIError(
          "only \(figures.ready) of \(plan.sessions) sessions came up at \(plan.url), and none for 30 s",
          why: board.failedStart.map { "The last one failed: \($0.text)." },
          status: board.failedStart?.status ?? .unavailable)
      }
      await nap()
    }
  }

  private static let stall: UInt64 = 30_000_000_000

  private func nap() async {
    // Nobody cancels this task, so that only the time passes.
    try? await Task.sleep(for: .milliseconds(20))
  }

  /// - Returns: when the traffic ended.
  private func carryTraffic(_ start: UInt64) async -> UInt64 {
    let stop = start + UInt64(clamping: Quantity.nanoseconds(plan.duration))
    let count = UInt64(plan.schedule.messageCount)
    while !interrupt.isRaised, board.failure == nil {
      let now = LoadWorker.now
      let figures = board.total
      progress.show(.running, figures, seconds: now > start ? Double(now - start) / 1e9 : 0)
      // Behind its timetable, the generator gets the time to make up for it; the rate tells.
      if now >= stop, figures.scheduled >= count || now >= stop + (stop - start) / 10 { break }
      await nap()
    }
    return LoadWorker.now
  }

  /// Waits until all is delivered and acknowledged and every session is back, and a little for what should not come.
  private func settle(_ stop: UInt64) async {
    let limit = stop + UInt64(clamping: Quantity.nanoseconds(plan.settle))
    var doneAt: UInt64?
    // The loops post every 100 ms: older figures are of the traffic.
    try? await Task.sleep(for: .milliseconds(150))
    let wasInterrupted = interrupt.isRaised
    while LoadWorker.now < limit, wasInterrupted || !interrupt.isRaised, board.failure == nil {
      let figures = board.total
      progress.show(.settling, figures, seconds: Double(LoadWorker.now - stop) / 1e9)
      let isDone = figures.delivered + figures.gapped >= figures.owed && figures.pending == 0 && figures.broken == 0
      doneAt = isDone ? doneAt ?? LoadWorker.now : nil
      if let doneAt, LoadWorker.now - doneAt > LoadRun.linger { return }
      await nap()
    }
  }

  /// Long enough for a repeated or late copy to come.
  private static let linger: UInt64 = 300_000_000

  private func end(_ workers: [Worker]) async {
    board.end()
    each(workers) { $0.sayGoodbye() }
    for _ in 0..<100 {
      var open = 0
      for worker in workers { open += (try? await ask(worker) { $0.openCount }) ?? 0 }
      if open == 0 { return }
      await nap()
    }
  }

  // MARK: The verdict

  private func collect(_ workers: [Worker], _ start: UInt64, _ stop: UInt64) async throws -> LoadReport {
    var shares: [LoadShare] = []
    for worker in workers { shares.append(try await ask(worker) { $0.result() }) }
    let accounts = (0..<plan.sessions).map { shares[$0 % plan.loops].accounts[$0 / plan.loops] }
    var report = LoadReport(plan)
    let positions = LoadRun.merged(shares, plan.layout, &report.tally)
    for worker in workers { report.tally.add(try await ask(worker) { $0.judged(accounts, positions) }) }
    for share in shares { report.add(share) }
    for account in accounts {
      report.acknowledged += account.acknowledgedCount
      report.unknownSends += account.unknownCount
      report.unsent += account.unsent.count
    }
    report.endings.sort { ($1.count, $0.text) < ($0.count, $1.text) }
    report.isPartial = interrupt.isRaised
    report.startNanoseconds = start
    let last = shares.map(\.lastSendAt).max() ?? 0
    // When the message after the last one would be due.
    let planned = plan.rate > 0 ? start + plan.schedule.offset(of: plan.schedule.messageCount) : stop
    let end = max(last, min(stop, planned))
    report.achievedRate = end > start ? Double(report.sent) / (Double(end - start) / 1e9) : 0
    return report
  }
}

extension LoadRun {
  /// What the receivers of all loops saw. All must have seen the same.
  private static func merged(_ shares: [LoadShare], _ layout: RoomLayout, _ tally: inout LoadTally) -> PositionTable {
    var table = shares[0].positions
    for share in shares.dropFirst() {
      for (room, entry) in table.merge(share.positions) {
        let sender = layout.session(room: room, position: entry.place)
        tally.unexplained += 1
        tally.note(
          Counterexample(.contradiction, room, sender, sender, entry.number, expected: nil, at: nil))
      }
    }
    return table
  }
}

extension LoadReport {
  init(_ plan: LoadPlan) {
    self.init()
    (url, seed, sessions, rooms) = ("\(plan.url)", plan.seed, plan.sessions, plan.rooms)
    roomPrefix = plan.roomPrefix
    (loops, payloadBytes, targetRate) = (plan.loops, plan.payloadBytes, plan.rate)
    seconds = Double(Quantity.nanoseconds(plan.duration)) / 1e9
    storms = plan.storms.map { StormResult($0) }
  }

  mutating func add(_ share: LoadShare) {
    scheduled += share.figures.scheduled
    sent += share.figures.sent
    dropped += share.figures.dropped
    resumed += share.figures.resumed
    unplannedDrops += share.figures.unplannedDrops
    notResumed += share.figures.retired + share.stillBroken
    takeovers += share.takeovers
    latency.add(share.times.latency)
    service.add(share.times.service)
    resume.add(share.times.resume)
    connect.add(share.times.connect)
    lag.add(share.times.lag)
    for (position, result) in share.storms.enumerated() {
      storms[position].dropped += result.dropped
      storms[position].resumed += result.resumed
    }
    for (text, count) in share.endings {
      if let place = endings.firstIndex(where: { $0.text == text }) {
        endings[place].count += count
      } else {
        endings.append((text, count))
      }
    }
  }
}
