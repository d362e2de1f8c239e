import SessionCore
import SessionSimulator
import Testing

@Suite struct SimulationTests {
  @Test func thousandsOfSeeds() {
    var total = Simulation.Outcome()
    for seed in 1...UInt64(2_000) {
      var options = Simulation.Options()
      options.shardCount = 1 + Int(seed % 3)
      let simulation = Simulation(seed: seed, options: options)
      var outcome = simulation.run()
      outcome.faults += simulation.end()
      total.resumed += outcome.resumed
      total.renewed += outcome.renewed
      total.gapCount += outcome.gapCount
      total.roomMessages += outcome.roomMessages
      guard outcome.faults.isEmpty else {
        Issue.record("seed \(seed), \(options.shardCount) shards: \(outcome.faults.prefix(5))")
        return
      }
    }
    // A run in which nothing happens finds nothing.
    #expect(total.resumed > 10_000 && total.renewed > 100 && total.gapCount > 0 && total.roomMessages > 50_000)
    print("simulated:", total)
  }

  @Test func oneSeedIsOneRun() {
    let (first, second) = (Simulation(seed: 42).run(), Simulation(seed: 42).run())
    #expect(first.steps == second.steps && first.roomMessages == second.roomMessages)
  }
}
