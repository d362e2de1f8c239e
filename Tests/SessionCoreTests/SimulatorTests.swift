import SessionCore
import SessionSimulator
import Testing

/// The simulator's own tests; `make sim` is where it works.
@Suite struct SimulatorTests {
  @Test(arguments: [1...50, 51...100, 101...150, 151...200] as [ClosedRange<UInt64>])
  func seedsHold(_ seeds: ClosedRange<UInt64>) {
    var total = EventCounts()
    for seed in seeds {
      let outcome = Simulation.run(seed: seed)
      total = total + outcome.counts
      if let violation = outcome.violation { Issue.record("seed \(seed): \(violation)") }
    }
    // Runs in which nothing happens find nothing.
    #expect(total.messagesHeard > 50_000 && total.lives > 2_000)
  }

  @Test(arguments: [7, 42, 184] as [UInt64])
  func oneSeedIsOneRun(_ seed: UInt64) {
    let (first, second) = (Simulation.run(seed: seed), Simulation.run(seed: seed))
    #expect(first.hash == second.hash && first.steps == second.steps)
    #expect(Simulation.run(seed: seed + 1).hash != first.hash)
  }

  @Test func aRunStopsAtItsStep() {
    let whole = Simulation.run(seed: 5)
    let part = Simulation.run(seed: 5, steps: 100)
    #expect(part.steps >= 100 && part.steps < whole.steps)
  }
}
