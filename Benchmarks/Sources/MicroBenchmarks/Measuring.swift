import CAllocations

/// Measures a benchmark in rounds of about equal length.
struct Measuring {
  var roundCount = 15
  var roundNanoseconds = 20_000_000.0

  func measure(_ benchmark: Benchmark) -> Measurement {
    let body = benchmark.prepare()
    let count = calibrate(body)
    let before = allocation_count()
    body(count)
    let operations = Double(count * benchmark.bundle)
    let allocations = Double(allocation_count() - before) / operations
    let rounds = (0..<roundCount).map { _ in time(body, count) / operations }.sorted()
    let median = rounds[rounds.count / 2]
    return Measurement(
      name: benchmark.name, operation: benchmark.operation, nanoseconds: median,
      spreadPercent: (rounds[rounds.count - 1] - rounds[0]) / 2 / median * 100, allocations: allocations)
  }

  /// So many bundles as take one round; by then everything is warm.
  private func calibrate(_ body: (Int) -> Void) -> Int {
    var count = 1
    while true {
      let taken = time(body, count)
      if taken >= roundNanoseconds / 2 { return max(1, Int(Double(count) * roundNanoseconds / taken)) }
      count *= 2
    }
  }

  private func time(_ body: (Int) -> Void, _ count: Int) -> Double {
    let taken = ContinuousClock().measure { body(count) }
    return Double(taken.components.seconds) * 1e9 + Double(taken.components.attoseconds) / 1e9
  }
}
