import Dispatch
import Glibc
import SessionCore
import SessionSimulator
import Synchronization

/// Many seeds, on every processor.
struct Campaign {
  let seeds: Range<UInt64>
  let jobs: Int

  static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// What one job has done.
  private struct Sum: Sendable {
    var counts = EventCounts()
    var resumed = 0
    var renewed = 0
    var gaps: UInt64 = 0
    var runCount = 0
    /// Time that the job's own thread has worked.
    var seconds = 0.0
  }

  private struct Found: Sendable {
    var seed: UInt64
    var violation: Violation
  }

  // MARK: Clean

  func runClean() -> Bool {
    let began = ContinuousClock.now
    let (sums, found) = work(seeking: nil)
    let wall = (ContinuousClock.now - began) / .seconds(1)
    report(sums, wall)
    guard let found else { return true }
    tell(found, planted: nil)
    return false
  }

  private func report(_ sums: [Sum], _ wall: Double) {
    var total = Sum()
    for sum in sums {
      total.counts = total.counts + sum.counts
      total.resumed += sum.resumed
      total.renewed += sum.renewed
      total.gaps += sum.gaps
      total.runCount += sum.runCount
      total.seconds += sum.seconds
    }
    let counts = total.counts
    let perCore = Double(counts.total) / max(total.seconds, 0.000_001)
    print(
      """
      \(total.runCount) seeds without a violation so far, \(rounded(wall)) s on \(sums.count) cores
      \(counts.total) session events: \(counts.messagesIn) messages taken from clients, \(counts.messagesOut) written to them, \
      \(counts.messagesHeard) taken by them, \(counts.hooks) answers of hooks and handlers, \(counts.logs) of rooms' logs, \
      \(counts.posts) messages between shards, \(counts.timers) timers, \(counts.lives) attaches, drops and ends
      \(Int(perCore)) session events a second and core (\(rounded(total.seconds)) s of processor time, checkers included)
      \(total.resumed) resumes, \(total.renewed) sessions begun anew, \(total.gaps) messages named in gaps
      """)
  }

  private func rounded(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// The seeds, shared out among the jobs one by one. With a violation, the one of the lowest seed that was found.
  private func work(seeking: Invariant?) -> ([Sum], Found?) {
    let next = Atomic<UInt64>(seeds.lowerBound)
    let found = Mutex<Found?>(nil)
    let sums = Mutex<[Sum]>([])
    let seeds = seeds
    DispatchQueue.concurrentPerform(iterations: jobs) { _ in
      var sum = Sum()
      let began = threadSeconds()
      while true {
        let seed = next.add(1, ordering: .relaxed).oldValue
        guard seed < seeds.upperBound, found.withLock({ $0.map { $0.seed > seed } ?? true }) else { break }
        let outcome = Simulation.run(seed: seed, seeking: seeking)
        sum.counts = sum.counts + outcome.counts
        sum.resumed += outcome.resumed
        sum.renewed += outcome.renewed
        sum.gaps += outcome.gaps
        sum.runCount += 1
        guard let violation = outcome.violation else { continue }
        found.withLock { if $0.map({ $0.seed > seed }) ?? true { $0 = Found(seed: seed, violation: violation) } }
      }
      sum.seconds = threadSeconds() - began
      sums.withLock { [sum] in $0.append(sum) }
    }
    return (sums.withLock { $0 }, found.withLock { $0 })
  }

  // MARK: What was found

  private func tell(_ found: Found, planted: PlantedFault?) {
    print("VIOLATED by seed \(found.seed): \(found.violation)")
    let shrunk = Simulation.shrink(seed: found.seed, found.violation, seeking: planted?.broken)
    print("the shortest of its \(shrunk.fullCount) actions that still do it (\(shrunk.runCount) runs):")
    for action in shrunk.actions { print("  \(action)") }
    print("  then \(shrunk.violation)")
    let fault = planted.map { " PLANTED=\($0.rawValue)" } ?? ""
    print("replay: make sim SEED=\(found.seed) STEPS=\(found.violation.step)\(fault)")
    let only = shrunk.numbers.map { String($0) }.joined(separator: ",")
    print("the short one: make sim SEED=\(found.seed) STEPS=\(shrunk.violation.step) ONLY=\(only)\(fault)")
  }

  // MARK: Planted

  /// Every fault must be found by the checker of the invariant that it breaks: what others see of it does not count.
  func findPlanted(_ faults: [PlantedFault]) -> Bool {
    var missedCount = 0
    print(pad("planted fault", 28) + pad("found by the checker of", 34) + "seed")
    for fault in faults {
      Planted.active = fault
      let (_, found) = work(seeking: fault.broken)
      if found == nil { missedCount += 1 }
      let finder = pad("\(fault.broken.rawValue) \(fault.broken.title)", 34)
      print(pad(fault.rawValue, 28) + finder + (found.map { "\($0.seed)" } ?? "NOT FOUND"))
      // Whoever waits for the table sees it grow.
      fflush(nil)
      if let found, faults.count == 1 { tell(found, planted: fault) }
    }
    Planted.active = nil
    print("\(faults.count - missedCount) of \(faults.count) planted faults found within \(seeds.count) seeds each")
    guard faults.count > 1 else { return missedCount == 0 }
    let untested = Set(Invariant.allCases).subtracting(faults.map(\.broken)).map(\.rawValue).sorted()
    if !untested.isEmpty { print("no fault is planted for the checkers of invariants \(untested)") }
    return missedCount == 0 && untested.isEmpty
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  func printHashes() { for seed in seeds { print(seed, hex(Simulation.run(seed: seed).hash)) } }
}

/// Processor time of this thread.
private func threadSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

extension PlantedFault {
  var broken: Invariant {
    guard let invariant = Invariant(rawValue: invariant) else { preconditionFailure("\(rawValue) breaks no invariant") }
    return invariant
  }
}
