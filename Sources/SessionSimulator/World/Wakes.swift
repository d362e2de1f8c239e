import SessionCore

/// The times at which somebody will be woken, so that none is put down twice: a new one is needed only where it is earlier
/// than all that are there, so the earliest is always the last.
struct Wakes {
  private var times: [Instant] = []

  /// Whether nobody will come by `due`.
  @inline(__always)
  func isNew(_ due: Instant) -> Bool { due < times.last ?? .never }

  mutating func add(_ time: Instant) { times.append(time) }

  /// One of them has come.
  mutating func came(_ now: Instant) { while let last = times.last, last <= now { times.removeLast() } }
}
