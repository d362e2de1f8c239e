import Synchronization

/// A task that waits for one answer: the first one counts, be it the answer or the task's cancellation.
final class Waiter<Answer: Sendable>: Sendable {
  private enum State {
    case idle
    case waiting(CheckedContinuation<Answer, any Error>)
    /// Answered before anybody waited.
    case early(Result<Answer, any Error>)
    case done
  }

  private let state = Mutex<State>(.idle)

  func wait(_ continuation: CheckedContinuation<Answer, any Error>) {
    let early: Result<Answer, any Error>? = state.withLock { state in
      if case .early(let result) = state {
        state = .done
        return result
      }
      state = .waiting(continuation)
      return nil
    }
    if let early { continuation.resume(with: early) }
  }

  func resume(_ result: Result<Answer, any Error>) {
    let continuation: CheckedContinuation<Answer, any Error>? = state.withLock { state in
      switch state {
      case .idle:
        state = .early(result)
        return nil
      case .waiting(let continuation):
        state = .done
        return continuation
      case .early, .done: return nil
      }
    }
    continuation?.resume(with: result)
  }

  var isDone: Bool {
    state.withLock { state in
      switch state {
      case .idle, .waiting: false
      case .early, .done: true
      }
    }
  }
}
