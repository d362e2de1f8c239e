import DequeModule
import SessionCore
import Synchronization

/// The answers to requests that had an `Idempotency-Key`, so that a backend's second try does nothing twice. Bounded in
/// number and in time.
package final class AnswerMemory: Sendable {
  private struct Entry {
    /// Of what was asked; another request with the same key is a mistake.
    var digest: [UInt8]
    /// May be under way: who asks meanwhile waits for the same answer.
    var answer: Task<HTTPResponse, Never>
    var serial: UInt64
  }

  private struct State {
    var entries = NameMap<Entry>()
    var order: Deque<(key: String, serial: UInt64, expires: ContinuousClock.Instant)> = []
    var lastSerial: UInt64 = 0
  }

  static let maxKeyByteCount = 128

  private let limit: Int
  private let ttl: Duration
  private let state = Mutex(State())

  package init(limit: Int, ttlMilliseconds: UInt64) { (self.limit, ttl) = (limit, .milliseconds(ttlMilliseconds)) }

  /// What `perform` answers, now or when it was asked the same before. An answer that promises nothing (500 and above)
  /// is not kept.
  package func answer(
    _ key: String, _ digest: [UInt8], now: ContinuousClock.Instant = .now,
    perform: @escaping @Sendable () async -> HTTPResponse
  ) async throws(HTTPFault) -> HTTPResponse {
    let (task, serial) = try entry(key, digest, now, perform)
    let answer = await task.value
    if answer.status >= 500 { forget(key, serial) }
    return answer
  }

  private func entry(
    _ key: String, _ digest: [UInt8], _ now: ContinuousClock.Instant,
    _ perform: @escaping @Sendable () async -> HTTPResponse
  ) throws(HTTPFault) -> (Task<HTTPResponse, Never>, UInt64) {
    let found: (Task<HTTPResponse, Never>, UInt64)? = state.withLock { state in
      AnswerMemory.trim(&state, limit: limit, now)
      if let entry = state.entries[key] { return entry.digest == digest ? (entry.answer, entry.serial) : nil }
      state.lastSerial += 1
      let entry = Entry(digest: digest, answer: Task { await perform() }, serial: state.lastSerial)
      state.entries[key] = entry
      state.order.append((key, entry.serial, now + ttl))
      return (entry.answer, entry.serial)
    }
    guard let found else {
      throw HTTPFault(422, "idempotency.mismatch", "another request was sent with this Idempotency-Key")
    }
    return found
  }

  /// Makes room for one more.
  private static func trim(_ state: inout State, limit: Int, _ now: ContinuousClock.Instant) {
    while let first = state.order.first, first.expires <= now || state.order.count >= limit {
      state.order.removeFirst()
      if state.entries[first.key]?.serial == first.serial { state.entries[first.key] = nil }
    }
  }

  private func forget(_ key: String, _ serial: UInt64) {
    state.withLock { state in
      if state.entries[key]?.serial == serial { state.entries[key] = nil }
    }
  }
}
