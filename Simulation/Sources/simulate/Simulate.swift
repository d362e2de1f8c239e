import ArgumentParser
import SessionCore
import SessionSimulator

@main
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Runs the session core in a simulated world, with faults, and checks what must hold.",
    discussion: "Exit codes: 0 all held; 1 something did not, or a planted fault was not found; 64 usage.")

  @Option(help: "Seeds to run.")
  var seeds: UInt64 = 1_000

  @Option(help: "The first of them.")
  var first: UInt64 = 1

  @Option(help: "One seed alone, with every event.")
  var seed: UInt64?

  @Option(help: "Stop after so many events; the last of them are shown.")
  var steps: UInt64?

  @Option(help: "With --seed: only these actions, by number, with commas between them.")
  var only: String?

  @Option(help: "Plant this fault; `all` for one after the other.")
  var planted: String?

  @Flag(help: "Run the seeds clean, then plant each fault, and show a table.")
  var table = false

  @Flag(help: "Show each seed's hash.")
  var hashes = false

  @Option(help: "Runs at one time.")
  var jobs: Int = Campaign.processorCount

  func validate() throws {
    guard seeds > 0, jobs > 0 else { throw ValidationError("--seeds and --jobs begin at 1") }
    guard seed != nil || (steps == nil && only == nil) else { throw ValidationError("--steps and --only need --seed") }
    if let planted, planted != "all", PlantedFault(rawValue: planted) == nil {
      throw ValidationError(
        "no fault \"\(planted)\"; there are: \(PlantedFault.allCases.map(\.rawValue).joined(separator: ", "))")
    }
  }

  func run() throws {
    let campaign = Campaign(seeds: first..<first + seeds, jobs: jobs)
    if let seed {
      let planted = planted.flatMap { PlantedFault(rawValue: $0) }
      try require(try Replay(seed: seed, steps: steps, only: actions(), planted: planted).run())
    } else if hashes {
      campaign.printHashes()
    } else if table {
      try require(campaign.runClean())
      try require(campaign.findPlanted(PlantedFault.allCases))
    } else if let planted {
      try require(campaign.findPlanted(planted == "all" ? PlantedFault.allCases : PlantedFault(rawValue: planted).map { [$0] } ?? []))
    } else {
      try require(campaign.runClean())
    }
  }

  private func actions() throws -> [Int]? {
    guard let only else { return nil }
    let numbers = only.split(separator: ",").map { Int($0) }
    guard numbers.allSatisfy({ $0 != nil }) else { throw ValidationError("--only takes numbers: 3,17,40") }
    return numbers.compactMap { $0 }
  }

  private func require(_ holds: Bool) throws { if !holds { throw ExitCode.failure } }
}
