/// Leaves actions out as long as the same invariant is broken: halves first, then smaller pieces, then single ones, until
/// no single one can be left out.
struct Shrinker {
  private(set) var plan: Plan
  private(set) var violation: Violation
  private(set) var runCount = 0
  private let seeking: Invariant?
  private let maxRunCount: Int

  init(_ plan: Plan, _ violation: Violation, seeking: Invariant?, maxRunCount: Int) {
    (self.plan, self.violation, self.seeking, self.maxRunCount) = (plan, violation, seeking, maxRunCount)
  }

  mutating func shrink() {
    var size = max(1, plan.actions.count / 2)
    while runCount < maxRunCount {
      let hasShrunk = leaveOut(size)
      if size == 1, !hasShrunk { return }
      size = max(1, hasShrunk ? min(size, plan.actions.count / 2) : size / 2)
    }
  }

  /// Tries to leave out every piece of so many actions.
  private mutating func leaveOut(_ size: Int) -> Bool {
    var hasShrunk = false
    var start = 0
    while start < plan.actions.count, runCount < maxRunCount {
      var smaller = plan
      smaller.actions.removeSubrange(start..<min(start + size, plan.actions.count))
      runCount += 1
      if let found = Simulation.run(smaller, seeking: seeking).violation, found.invariant == violation.invariant {
        (plan, violation, hasShrunk) = (smaller, found, true)
      } else {
        start += size
      }
    }
    return hasShrunk
  }
}
