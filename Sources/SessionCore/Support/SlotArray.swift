/// A place in a slot array and how often it was used before: a handle to what was put there, void once that is gone.
public struct Slot: Hashable, Sendable {
  public var index: UInt32
  public var generation: UInt32

  public init(index: UInt32, generation: UInt32) { (self.index, self.generation) = (index, generation) }
}

/// Objects under generation-checked integer handles.
///
/// They can be lent without being counted, since each message looks some up, and counting takes two atomic operations each
/// time. Proof that what is lent lives: the array holds every element until `remove`, and what is removed until `bury`,
/// which the owner calls when it has lent nothing.
struct SlotArray<Element: AnyObject>: ~Copyable {
  /// Each of them is held once.
  private var elements: [Unmanaged<Element>?] = []
  private var generations: [UInt32] = []
  private var free: [UInt32] = []
  private var removed: [Element] = []
  private(set) var count = 0

  deinit {
    for element in elements { element?.release() }
  }

  /// Every live element, in order of its place.
  var all: [(slot: Slot, element: Element)] {
    elements.indices.compactMap { index in
      element(at: index).map { (Slot(index: UInt32(index), generation: generations[index]), $0) }
    }
  }

  /// Places, live and free ones.
  var capacity: Int { elements.count }

  func element(at index: Int) -> Element? { elements[index]?.takeUnretainedValue() }

  mutating func insert(_ make: (Slot) -> Element) -> Slot {
    count += 1
    if let index = free.popLast() {
      let slot = Slot(index: index, generation: generations[Int(index)])
      elements[Int(index)] = Unmanaged.passRetained(make(slot))
      return slot
    }
    let slot = Slot(index: UInt32(elements.count), generation: 0)
    elements.append(Unmanaged.passRetained(make(slot)))
    generations.append(0)
    return slot
  }

  subscript(slot: Slot) -> Element? { lend(slot)?.takeUnretainedValue() }

  /// The element, not counted: good until `bury`.
  @inline(__always) func lend(_ slot: Slot) -> Unmanaged<Element>? {
    let index = Int(slot.index)
    guard index < elements.count, generations[index] == slot.generation else { return nil }
    return elements[index]
  }

  /// The same for asking for its memory: `body` may look at what has been asked for before, and at nothing else.
  @inline(__always) func approach(_ slot: Slot, _ body: (Element) -> Void) {
    lend(slot)?._withUnsafeGuaranteedRef(body)
  }

  mutating func remove(_ slot: Slot) {
    guard let element = lend(slot) else { return }
    let index = Int(slot.index)
    removed.append(element.takeRetainedValue())
    elements[index] = nil
    generations[index] &+= 1
    free.append(slot.index)
    count -= 1
  }

  /// Lets go of what was removed.
  @inline(__always) mutating func bury() {
    if !removed.isEmpty { removed = [] }
  }
}
