import Synchronization

/// What a loop's share looks like while it runs.
struct LoadFigures: Sendable {
  var ready = 0
  var scheduled: UInt64 = 0
  var sent: UInt64 = 0
  /// Copies that the messages sent must make.
  var owed: UInt64 = 0
  var delivered: UInt64 = 0
  /// Copies that gaps named.
  var gapped: UInt64 = 0
  var dropped: UInt64 = 0
  var unplannedDrops: UInt64 = 0
  var resumed: UInt64 = 0
  var retired: UInt64 = 0
  /// Sessions without a connection.
  var broken = 0
  /// Sessions that wait for acknowledgements; counted when the traffic is over.
  var pending = 0
  var isClean = true
  var latencyP50: Double?
  var latencyP99: Double?
  var resumeP99: Double?

  mutating func add(_ other: LoadFigures) {
    ready += other.ready
    scheduled += other.scheduled
    sent += other.sent
    owed += other.owed
    delivered += other.delivered
    gapped += other.gapped
    dropped += other.dropped
    unplannedDrops += other.unplannedDrops
    resumed += other.resumed
    retired += other.retired
    broken += other.broken
    pending += other.pending
    isClean = isClean && other.isClean
    // Percentiles cannot be added up: the worst loop's stands for all until the histograms are merged.
    latencyP50 = LoadFigures.higher(latencyP50, other.latencyP50)
    latencyP99 = LoadFigures.higher(latencyP99, other.latencyP99)
    resumeP99 = LoadFigures.higher(resumeP99, other.resumeP99)
  }

  private static func higher(_ a: Double?, _ b: Double?) -> Double? { a.map { max($0, b ?? $0) } ?? b }
}

/// A loop's distributions.
struct LoadTimes: Sendable {
  var latency = Latencies()
  var service = Latencies()
  var resume = Latencies()
  var connect = Latencies()
  var lag = Latencies()
}

/// What a loop found out.
struct LoadShare: Sendable {
  var figures: LoadFigures
  var times: LoadTimes
  var accounts: [SenderAccount]
  var positions: PositionTable
  var storms: [LoadReport.StormResult]
  var endings: [String: UInt64]
  var takeovers: UInt64
  var lastSendAt: UInt64
  var stillBroken: UInt64
}

/// Where the loops post what the run and the progress line look at.
final class LoadBoard: Sendable {
  private struct State {
    var figures: [LoadFigures]
    var failure: CLIError?
    var failedStart: (text: String, status: ExitStatus)?
  }

  private let state: Mutex<State>
  private let over = Atomic(false)

  init(loops: Int) { state = Mutex(State(figures: Array(repeating: LoadFigures(), count: loops))) }

  /// The verdict is made; connections end now.
  var isOver: Bool { over.load(ordering: .relaxed) }
  func end() { over.store(true, ordering: .relaxed) }

  func post(_ figures: LoadFigures, from number: Int) { state.withLock { $0.figures[number] = figures } }

  /// The first failure counts.
  func fail(_ error: CLIError) { state.withLock { $0.failure = $0.failure ?? error } }
  var failure: CLIError? { state.withLock { $0.failure } }

  /// Why a session could not be started, the last time that happened.
  func noteFailedStart(_ text: String, _ status: ExitStatus) { state.withLock { $0.failedStart = (text, status) } }
  var failedStart: (text: String, status: ExitStatus)? { state.withLock { $0.failedStart } }

  var total: LoadFigures {
    state.withLock { state in state.figures.reduce(into: LoadFigures()) { $0.add($1) } }
  }
}
