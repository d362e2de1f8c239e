import HeapModule
import NIOCore
import SessionCore

/// What many clients of one event loop share. Their deadlines, behind one timer of the loop: a client's deadline moves
/// with every message; putting it off costs nothing, since an entry that comes up too early only asks again. And how
/// their servers spell messages.
public final class ClientLoop {
  private struct Entry: Comparable {
    var deadline: Instant
    var serial: UInt64
    var client: SessionClient

    static func < (left: Entry, right: Entry) -> Bool { (left.deadline, left.serial) < (right.deadline, right.serial) }
    static func == (left: Entry, right: Entry) -> Bool { left.serial == right.serial }
  }

  var reader = EnvelopeReader()
  private let loop: any EventLoop
  private var heap = Heap<Entry>()
  private var serial: UInt64 = 0
  private var scheduled: Scheduled<Void>?
  private var scheduledFor = Instant.never
  private var isRunning = false
  /// Those of one run.
  private var due: [Entry] = []

  /// Entries of one run come up together if they are due within this time of each other.
  private static let grainNanoseconds: UInt64 = 2_000_000

  public init(_ loop: any EventLoop) { self.loop = loop }

  /// The loop's time.
  public static func now() -> Instant { Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds) }

  func set(_ client: SessionClient, at deadline: Instant) {
    serial += 1
    heap.insert(Entry(deadline: deadline, serial: serial, client: client))
    if !isRunning { schedule() }
  }

  private func schedule() {
    guard let next = heap.min?.deadline, next < scheduledFor else { return }
    scheduled?.cancel()
    scheduledFor = next
    let time = min(next.nanoseconds, UInt64(Int64.max) - ClientLoop.grainNanoseconds) + ClientLoop.grainNanoseconds
    scheduled = loop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(time)) { self.run() }
  }

  private func run() {
    (scheduled, scheduledFor) = (nil, .never)
    isRunning = true
    let now = ClientLoop.now()
    while let first = heap.min, first.deadline <= now {
      heap.removeMin()
      due.append(first)
    }
    // What they ask for meanwhile waits for the next run, so that none can keep the loop.
    for entry in due { entry.client.woken(for: entry.deadline, now: now) }
    due.removeAll(keepingCapacity: due.capacity <= 1_024)
    isRunning = false
    schedule()
  }
}
