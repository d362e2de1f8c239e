import Foundation
import SessionCore
import SessionSimulator
import Testing

/// `SIM_SEEDS` sets how many seeds run, `SIM_SEED` runs one alone.
@Suite struct SimulationTests {
  static let environment = ProcessInfo.processInfo.environment
  static let one = environment["SIM_SEED"].flatMap { UInt64($0) }
  static let count = environment["SIM_SEEDS"].flatMap { UInt64($0) } ?? 2_000

  private func run(_ seed: UInt64) -> Simulation.Outcome {
    var options = Simulation.Options()
    options.shardCount = 1 + Int(seed % 3)
    let simulation = Simulation(seed: seed, options: options)
    var outcome = simulation.run()
    outcome.faults += simulation.end()
    return outcome
  }

  @Test func seeds() {
    var total = Simulation.Outcome()
    let seeds = SimulationTests.one.map { $0...$0 } ?? 1...SimulationTests.count
    let start = ContinuousClock.now
    for seed in seeds {
      let outcome = run(seed)
      total.steps += outcome.steps
      total.resumed += outcome.resumed
      total.renewed += outcome.renewed
      total.gapCount += outcome.gapCount
      total.roomMessages += outcome.roomMessages
      guard outcome.faults.isEmpty else {
        let replay = "make sim SEED=\(seed)"
        Issue.record("seed \(seed): \(outcome.faults.prefix(5).joined(separator: "; ")). Replay: \(replay)")
        return
      }
    }
    let duration = (ContinuousClock.now - start) / .seconds(1)
    print(
      """
      simulated \(seeds.count) seeds, \(total.steps) events, \(Int(Double(total.steps) / duration)) events/s: \
      \(total.resumed) resumes, \(total.renewed) new sessions after loss, \(total.gapCount) messages in gaps, \
      \(total.roomMessages) room messages
      """)
    // Runs in which nothing happens find nothing.
    guard seeds.count >= 1_000 else { return }
    #expect(total.resumed > 10_000 && total.renewed > 1_000 && total.gapCount > 500 && total.roomMessages > 40_000)
  }

  @Test func oneSeedIsOneRun() {
    let (first, second) = (run(42), run(42))
    #expect(first.steps == second.steps && first.roomMessages == second.roomMessages)
  }
}
