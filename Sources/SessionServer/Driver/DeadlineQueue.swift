import DequeModule
import SessionCore

/// Deadlines that all lie equally far ahead when they are set, so that they come due in the order of their setting.
/// Nothing is cancelled: the owner looks whether an element that comes due still cares.
package struct DeadlineQueue<Element> {
  private var entries: Deque<(deadline: Instant, element: Element)> = []
  package let milliseconds: UInt64

  package init(milliseconds: UInt64) { self.milliseconds = milliseconds }

  package var next: Instant { entries.first?.deadline ?? .never }

  package mutating func append(_ element: Element, now: Instant) {
    entries.append((now.advanced(byMilliseconds: milliseconds), element))
  }

  package mutating func removeAll() { entries.removeAll() }

  package mutating func popDue(_ now: Instant) -> Element? {
    guard let first = entries.first, first.deadline <= now else { return nil }
    entries.removeFirst()
    // It does not give its room back by itself.
    if entries.isEmpty { entries = [] }
    return first.element
  }
}
