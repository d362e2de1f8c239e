import DequeModule

/// Who of a room's members is away, as the others see it: a member whose connection is gone fades first, and is told to
/// be `suspended` only when it has not come back within the grace.
struct RoomPresence {
  private enum State {
    /// Nothing is told yet; only the entry with this serial of the queue ends the grace.
    case fading(serial: UInt64)
    case away
  }

  let graceMilliseconds: UInt64
  /// Members that are not here.
  private var states: [SessionID: State] = [:]
  /// The grace is one for all, so they are in the order of their ends. Entries of those that came back are passed over.
  private var queue: Deque<(deadline: Instant, sid: SessionID, serial: UInt64)> = []
  private var serial: UInt64 = 0

  init(graceMilliseconds: UInt64) { self.graceMilliseconds = graceMilliseconds }

  /// When the next grace ends.
  var nextDeadline: Instant { queue.first?.deadline ?? .never }

  /// The member's connection is gone. True if that is to be told at once.
  mutating func suspend(_ sid: SessionID, now: Instant) -> Bool {
    guard states[sid] == nil else { return false }
    guard graceMilliseconds > 0 else {
      states[sid] = .away
      return true
    }
    serial += 1
    forgetPassed()
    states[sid] = .fading(serial: serial)
    queue.append((now.advanced(byMilliseconds: graceMilliseconds), sid, serial))
    return false
  }

  /// It is back. True if the others were told that it was away.
  mutating func resume(_ sid: SessionID) -> Bool {
    if case .away = states.removeValue(forKey: sid) { true } else { false }
  }

  mutating func leave(_ sid: SessionID) { states[sid] = nil }

  /// Lets go of the entries of those that came back, once they are as many as the others: in the mean, each costs a constant
  /// time.
  private mutating func forgetPassed() {
    guard queue.count >= 64, queue.count >= 2 * states.count else { return }
    queue.removeAll { entry in
      if case .fading(entry.serial)? = states[entry.sid] { false } else { true }
    }
  }

  /// A member whose grace is over.
  mutating func popFaded(_ now: Instant) -> SessionID? {
    while let first = queue.first, first.deadline <= now {
      queue.removeFirst()
      guard case .fading(first.serial)? = states[first.sid] else { continue }
      states[first.sid] = .away
      return first.sid
    }
    return nil
  }
}
