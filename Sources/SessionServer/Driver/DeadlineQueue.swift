import DequeModule
import SessionCore

/// Deadlines that all lie equally far ahead when they are set, so that they come due in the order of their setting.
/// Nothing is cancelled: the owner looks whether an element that comes due still cares.
struct DeadlineQueue<Element> {
  private var entries: Deque<(deadline: Instant, element: Element)> = []
  let milliseconds: UInt64

  init(milliseconds: UInt64) { self.milliseconds = milliseconds }

  var next: Instant { entries.first?.deadline ?? .never }

  mutating func append(_ element: Element, now: Instant) {
    entries.append((now.advanced(byMilliseconds: milliseconds), element))
  }

  mutating func popDue(_ now: Instant) -> Element? {
    guard let first = entries.first, first.deadline <= now else { return nil }
    entries.removeFirst()
    return first.element
  }
}
