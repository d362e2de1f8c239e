/// Micro benchmarks of the pure modules. Each output line is JSON; the runner makes a table of them.
///
///     MicroBenchmarks list             the names
///     MicroBenchmarks run [PREFIX]     nanoseconds and allocations per operation
///     MicroBenchmarks repeat NAME N    does it N times, in whole bundles: for an instruction counter
@main
enum MicroBenchmarks {
  static let all = framing + upgrades + wire + shards + compression

  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch (arguments.first, arguments.count) {
    case ("list", 1): for benchmark in all { print(benchmark.name) }
    case ("run", 1...2):
      let prefix = arguments.count == 2 ? arguments[1] : ""
      for benchmark in all where benchmark.name.hasPrefix(prefix) { print(Measuring().measure(benchmark).json) }
    case ("repeat", 3):
      guard let benchmark = all.first(where: { $0.name == arguments[1] }), let count = Int(arguments[2]) else { usage() }
      benchmark.prepare()((count + benchmark.bundle - 1) / benchmark.bundle)
    default: usage()
    }
  }

  private static func usage() -> Never {
    fatalError("usage: MicroBenchmarks list | run [PREFIX] | repeat NAME COUNT")
  }
}
