#if HTTP
  import Logging
  import Synchronization

  /// Calls that serve one purpose: they share a bounded number of places, and each ends in its time.
  final class BackendLine: Sendable {
    private let client: BackendClient
    private let bounds: BackendBounds
    private let gate: Gate
    private let log: ThrottledLog

    /// The first pause between two attempts; each further one is twice as long.
    private static let pause = Duration.milliseconds(100)
    /// A call that got its place when less than this part of its time is left is not begun: it would be cut off, and nobody
    /// would know whether it was processed.
    private static let leastPart = 20

    init(_ client: BackendClient, _ bounds: BackendBounds, _ logger: Logger) {
      (self.client, self.bounds) = (client, bounds)
      gate = Gate(concurrency: bounds.concurrency, waiting: bounds.waiting)
      log = ThrottledLog(logger)
    }

    /// Whether an attempt is under way that may have reached the backend.
    private final class Progress: Sendable {
      let mayHaveArrived = Atomic(false)

      /// What a call is whose time is over: one that broke may have been processed, whatever became of the next try.
      var fate: BackendFailure { mayHaveArrived.load(ordering: .relaxed) ? .late : .busy }
    }

    func call(_ request: BackendRequest) async throws(BackendFailure) -> BackendAnswer {
      let progress = Progress()
      let deadline = ContinuousClock.now + .milliseconds(bounds.timeoutMilliseconds)
      let result = await withTaskGroup(of: Result<BackendAnswer, BackendFailure>?.self) { group in
        group.addTask { await self.attempts(request, deadline, progress) }
        group.addTask {
          try? await Task.sleep(until: deadline)
          return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        return first
      }
      switch result {
      case .success(let answer): return answer
      case .failure(let failure): throw failure
      case nil: throw progress.fate
      }
    }

    /// Something went wrong with a call: for the operator, a line a second at most.
    func warn(_ request: BackendRequest, _ reason: String, _ metadata: Logger.Metadata = [:]) {
      log.warning(
        "backend call failed", metadata.merging(["url": "\(request.url)", "reason": "\(reason)"]) { $1 })
    }

    private func attempts(
      _ request: BackendRequest, _ deadline: ContinuousClock.Instant, _ progress: Progress
    ) async -> Result<BackendAnswer, BackendFailure> {
      var pause = BackendLine.pause
      var left = bounds.retryCount
      while true {
        let result = await attempt(request, deadline, progress)
        guard left > 0, let wanted = wait(after: result, pause), ContinuousClock.now + wanted < deadline else {
          return result
        }
        if case .failure(.broken) = result {} else { progress.mayHaveArrived.store(false, ordering: .relaxed) }
        try? await Task.sleep(for: wanted)
        left -= 1
        pause *= 2
      }
    }

    /// How long to wait before another attempt; nil if there must be none.
    private func wait(after result: Result<BackendAnswer, BackendFailure>, _ pause: Duration) -> Duration? {
      switch result {
      case .success(let answer):
        guard answer.status == 503, let wanted = answer.retryAfterMilliseconds else { return nil }
        return max(pause, .milliseconds(wanted))
      case .failure(.unreachable): return pause
      case .failure(.broken): return bounds.retriesBrokenCalls ? pause : nil
      case .failure: return nil
      }
    }

    private func attempt(
      _ request: BackendRequest, _ deadline: ContinuousClock.Instant, _ progress: Progress
    ) async -> Result<BackendAnswer, BackendFailure> {
      guard case .entered = await gate.enter() else { return .failure(progress.fate) }
      defer { gate.leave() }
      let timeout = deadline - ContinuousClock.now
      guard timeout >= .milliseconds(bounds.timeoutMilliseconds) / BackendLine.leastPart else {
        return .failure(progress.fate)
      }
      progress.mayHaveArrived.store(true, ordering: .relaxed)
      do throws(BackendFailure) {
        return .success(try await client.post(request, timeout: timeout, limit: bounds.answerByteCount))
      } catch {
        return .failure(error)
      }
    }
  }

  /// A log that a fault which repeats cannot fill.
  final class ThrottledLog: Sendable {
    private struct State {
      var next = ContinuousClock.now
      var leftOutCount = 0
    }

    private let logger: Logger
    private let state = Mutex(State())

    init(_ logger: Logger) { self.logger = logger }

    func warning(_ message: Logger.Message, _ metadata: Logger.Metadata) {
      let now = ContinuousClock.now
      let leftOutCount: Int? = state.withLock { state in
        guard now >= state.next else {
          state.leftOutCount += 1
          return nil
        }
        defer { state = State(next: now + .seconds(1)) }
        return state.leftOutCount
      }
      guard let leftOutCount else { return }
      var metadata = metadata
      if leftOutCount > 0 { metadata["left_out"] = .stringConvertible(leftOutCount) }
      logger.warning(message, metadata: metadata)
    }
  }
#endif
