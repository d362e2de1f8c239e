import SessionCore

/// The simulator from the outside: runs of seeds, what they found, and the shortest way to it.
public enum Simulation {
  public struct Outcome: Sendable {
    public var violation: Violation?
    /// Of all that happened, in its order: the same for every run of the seed.
    public var hash: UInt64
    public var steps: UInt64
    public var counts: EventCounts
    public var resumed: Int
    public var renewed: Int
    public var gaps: UInt64
  }

  /// Runs one seed.
  ///
  /// - Parameters:
  ///   - only: the actions that are done, by their numbers; nil for all.
  ///   - seeking: the invariant whose checker alone may find something, for planted faults; nil for all.
  ///   - steps: events of the world after which it stops.
  ///   - log: told of every event.
  public static func run(
    seed: UInt64, only: [Int]? = nil, seeking: Invariant? = nil, steps: UInt64 = .max, log: ((String) -> Void)? = nil
  ) -> Outcome {
    var plan = Plan(seed: seed)
    if let only {
      let kept = Set(only)
      plan.actions.removeAll { !kept.contains($0.index) }
    }
    return run(plan, seeking: seeking, steps: steps, log: log)
  }

  static func run(
    _ plan: Plan, seeking: Invariant? = nil, steps: UInt64 = .max, log: ((String) -> Void)? = nil
  ) -> Outcome {
    let outcome = Run(plan, seeking: seeking, log: log, stepLimit: steps).run()
    return Outcome(
      violation: outcome.violation, hash: outcome.hash, steps: outcome.steps, counts: outcome.counts,
      resumed: outcome.resumed, renewed: outcome.renewed, gaps: outcome.gaps)
  }

  /// The shortest list of actions by which the seed still breaks the invariant, found by leaving actions out.
  public struct Shrunk: Sendable {
    public var actions: [String]
    /// Their numbers, for `only`.
    public var numbers: [Int]
    public var violation: Violation
    public var runCount: Int
    /// How many actions the seed has.
    public var fullCount: Int
  }

  public static func shrink(
    seed: UInt64, _ violation: Violation, seeking: Invariant? = nil, maxRunCount: Int = 2_000
  ) -> Shrunk {
    var shrinker = Shrinker(Plan(seed: seed), violation, seeking: seeking, maxRunCount: maxRunCount)
    shrinker.shrink()
    return Shrunk(
      actions: shrinker.plan.actions.map(\.description), numbers: shrinker.plan.actions.map(\.index),
      violation: shrinker.violation, runCount: shrinker.runCount, fullCount: Plan(seed: seed).actions.count)
  }
}
