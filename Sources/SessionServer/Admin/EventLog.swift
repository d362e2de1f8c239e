import DequeModule
import SessionCore
import Synchronization

/// The latest lifecycle events, and those that operators wait for. Bounded for everyone: who reads too slowly is told
/// how many were left out.
final class EventLog: Sendable {
  struct Entry: Sendable {
    /// Wall clock, milliseconds since 1970.
    var time: Int64
    var event: LifecycleEvent
  }

  /// One reader. To be cancelled when it is done.
  struct Follower: Sendable {
    fileprivate let id: Int
    /// Something waits to be taken.
    let signals: AsyncStream<Void>
  }

  private struct Waiting {
    var entries: Deque<Entry> = []
    var leftOutCount = 0
    var signal: AsyncStream<Void>.Continuation
  }

  private struct State {
    var latest: Deque<Entry> = []
    var followers: [Int: Waiting] = [:]
    var followerCount = 0
  }

  static let maxCount = 1_024
  private let state = Mutex(State())

  func append(_ event: LifecycleEvent) {
    let entry = Entry(time: WallClock.milliseconds(), event: event)
    state.withLock { state in
      if state.latest.count == EventLog.maxCount { state.latest.removeFirst() }
      state.latest.append(entry)
      guard !state.followers.isEmpty else { return }
      for id in state.followers.keys { EventLog.append(entry, &state.followers[id]) }
    }
  }

  private static func append(_ entry: Entry, _ waiting: inout Waiting?) {
    guard waiting != nil else { return }
    if waiting?.entries.count == maxCount {
      waiting?.leftOutCount += 1
    } else {
      waiting?.entries.append(entry)
    }
    waiting?.signal.yield()
  }

  var latest: [Entry] { state.withLock { Array($0.latest) } }

  /// The latest events first, then every further one.
  func follow() -> Follower {
    let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    return state.withLock { state in
      state.followerCount += 1
      state.followers[state.followerCount] = Waiting(entries: state.latest, signal: signal)
      signal.yield()
      return Follower(id: state.followerCount, signals: signals)
    }
  }

  /// What waits, and how many came behind it that could not wait.
  func take(_ follower: Follower) -> (entries: [Entry], leftOutCount: Int) {
    state.withLock { state in
      guard let waiting = state.followers[follower.id] else { return ([], 0) }
      state.followers[follower.id]?.entries = []
      state.followers[follower.id]?.leftOutCount = 0
      return (Array(waiting.entries), waiting.leftOutCount)
    }
  }

  func cancel(_ follower: Follower) {
    state.withLock { state in _ = state.followers.removeValue(forKey: follower.id) }
  }
}
