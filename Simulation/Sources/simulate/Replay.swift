import SessionCore
import SessionSimulator

/// One seed, in words.
struct Replay {
  let seed: UInt64
  let steps: UInt64?
  let only: [Int]?
  let planted: PlantedFault?
  private static let shownCount = 60

  func run() -> Bool {
    var lines: [String] = []
    Planted.active = planted
    let outcome = Simulation.run(seed: seed, only: only, seeking: planted?.broken, steps: steps ?? .max) { lines.append($0) }
    for line in lines.suffix(Replay.shownCount) { print(line) }
    print("seed \(seed): \(outcome.steps) steps, \(outcome.counts.total) session events, hash \(hex(outcome.hash))")
    guard let violation = outcome.violation else { return true }
    print("VIOLATED: \(violation)")
    return false
  }
}

func hex(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
