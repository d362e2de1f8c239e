import HeapModule
import NIOCore

/// Why a timer's body is called.
enum TimerCall {
  case due
  /// The loop ends before.
  case shutdown
}

/// What is to run at a time. Cancelled on its loop only.
final class TimerEntry: Comparable {
  let deadline: NIODeadline
  /// Those of one deadline run in the order of their setting.
  fileprivate let number: UInt64
  /// Nil when it has run or was cancelled.
  fileprivate(set) var body: ((TimerCall) -> Void)?

  fileprivate init(deadline: NIODeadline, number: UInt64, body: @escaping (TimerCall) -> Void) {
    (self.deadline, self.number, self.body) = (deadline, number, body)
  }

  static func < (left: TimerEntry, right: TimerEntry) -> Bool {
    (left.deadline, left.number) < (right.deadline, right.number)
  }

  static func == (left: TimerEntry, right: TimerEntry) -> Bool { left === right }
}

/// Entries by their deadlines. One that is cancelled lets go of its body at once and of its place later: in the mean,
/// each costs a constant time.
struct TimerHeap {
  private var entries: Heap<TimerEntry> = []
  private var deadCount = 0
  private var count: UInt64 = 0

  /// Sweeping fewer is not worth it.
  private static let minSweptCount = 64

  /// The earliest deadline; it may be that of a cancelled entry.
  var next: NIODeadline? { entries.min?.deadline }

  mutating func insert(_ deadline: NIODeadline, _ body: @escaping (TimerCall) -> Void) -> TimerEntry {
    count += 1
    let entry = TimerEntry(deadline: deadline, number: count, body: body)
    entries.insert(entry)
    return entry
  }

  mutating func cancel(_ entry: TimerEntry) {
    guard entry.body != nil else { return }
    entry.body = nil
    deadCount += 1
    guard deadCount >= TimerHeap.minSweptCount, deadCount > entries.count / 2 else { return }
    entries = Heap(entries.unordered.filter { $0.body != nil })
    deadCount = 0
  }

  /// The body of the next entry that is due.
  mutating func popDue(_ now: NIODeadline) -> ((TimerCall) -> Void)? {
    while let first = entries.min, first.deadline <= now {
      entries.removeMin()
      guard let body = first.body else {
        deadCount -= 1
        continue
      }
      first.body = nil
      return body
    }
    return nil
  }

  /// All bodies, in the order of their deadlines; none is left.
  mutating func removeAll() -> [(TimerCall) -> Void] {
    var bodies: [(TimerCall) -> Void] = []
    while let body = popDue(.distantFuture) { bodies.append(body) }
    return bodies
  }
}
