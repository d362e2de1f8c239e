#if HTTP
  import DequeModule
  import Synchronization

  /// Lets so many in at one time and so many wait, in the order of their coming; the rest is turned away at once.
  package final class Gate: Sendable {
    package enum Entry: Sendable {
      case entered
      case full
      /// The task was cancelled while it waited.
      case cancelled
    }

    private struct State {
      var freeCount: Int
      var waiting: Deque<(id: UInt64, continuation: CheckedContinuation<Entry, Never>)> = []
      var lastID: UInt64 = 0
    }

    private let waitingCount: Int
    private let state: Mutex<State>

    package init(concurrency: Int, waiting: Int) {
      precondition(concurrency > 0 && waiting >= 0, "a gate lets somebody in")
      waitingCount = waiting
      state = Mutex(State(freeCount: concurrency))
    }

    /// Every `entered` is followed by one `leave`.
    package func enter() async -> Entry {
      let id = state.withLock { state in
        state.lastID += 1
        return state.lastID
      }
      return await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          if let entry = admit(id, continuation) { continuation.resume(returning: entry) }
        }
      } onCancel: {
        giveUp(id)
      }
    }

    /// Nil if it has to wait.
    private func admit(_ id: UInt64, _ continuation: CheckedContinuation<Entry, Never>) -> Entry? {
      state.withLock { state in
        // A cancellation that comes after this look waits for the lock and then finds the entry.
        guard !Task.isCancelled else { return .cancelled }
        guard state.freeCount == 0 else {
          state.freeCount -= 1
          return .entered
        }
        guard state.waiting.count < waitingCount else { return .full }
        state.waiting.append((id, continuation))
        return nil
      }
    }

    private func giveUp(_ id: UInt64) {
      let waiter = state.withLock { state in
        state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
      }
      waiter?.continuation.resume(returning: .cancelled)
    }

    /// The place goes to who waits longest.
    package func leave() {
      let next = state.withLock { state in
        let next = state.waiting.popFirst()
        if next == nil { state.freeCount += 1 }
        return next
      }
      next?.continuation.resume(returning: .entered)
    }
  }
#endif
