/// One piece of work that is done over and over.
struct Benchmark: Sendable {
  let name: String
  /// What one operation is, for people.
  let operation: String
  /// So many operations belong together.
  var bundle = 1
  /// Does all that comes before the measurement, and returns what does so many bundles of operations.
  let prepare: @Sendable () -> (Int) -> Void
}

/// What a benchmark showed.
struct Measurement {
  var name: String
  var operation: String
  /// Median of the rounds.
  var nanoseconds: Double
  /// Half of the range of the rounds, in percent of the median.
  var spreadPercent: Double
  var allocations: Double

  var json: String {
    #"{"name":"\#(name)","operation":"\#(operation)","ns":\#(nanoseconds),"spread_percent":\#(spreadPercent),"allocations":\#(allocations)}"#
  }
}

/// Keeps the optimizer from leaving out what nobody looks at.
@_optimize(none) @inline(never) func consume<Value>(_ value: borrowing Value) {}
