/// One owner's deadline in the timer table. The table may hold older entries of the same owner; the alarm knows which
/// of them counts, so that putting a deadline off costs nothing.
struct Alarm {
  private(set) var deadline: Instant = .never
  /// The entry in the table that will wake the owner, `.never` if there is none.
  private var armedAt: Instant = .never

  mutating func set(_ deadline: Instant, _ key: TimerKey, in timers: inout TimerTable) {
    self.deadline = deadline
    guard deadline < armedAt else { return }
    armedAt = deadline
    timers.set(key, at: deadline)
  }

  mutating func cancel() { deadline = .never }

  /// The table's entry of `entryDeadline` came up: true if the deadline has passed; puts a later one back.
  mutating func isDue(_ entryDeadline: Instant, now: Instant, _ key: TimerKey, in timers: inout TimerTable) -> Bool {
    guard entryDeadline == armedAt else { return false }
    armedAt = .never
    guard deadline > now else {
      deadline = .never
      return true
    }
    set(deadline, key, in: &timers)
    return false
  }
}
