extension Array {
  /// Gives up the room that an empty array keeps for what may come.
  package mutating func dropSpareRoom() {
    if isEmpty { self = [] }
  }
}

extension Dictionary {
  /// Gives up the room that an empty table keeps for what may come.
  package mutating func dropSpareRoom() {
    if isEmpty { self = [:] }
  }
}

/// Objects that nobody uses, for whoever needs one next: what comes and goes with each message takes no memory then that
/// was not there before.
///
/// Memory of its own, since each change of an array looks first whether it is shared. Proof that it is used rightly: the
/// first `count` of `limit` places hold an object each, the others none, and none is moved from or to but one at `count`.
struct Spares<Element: AnyObject>: ~Copyable {
  /// Nil until there is something to keep.
  private var elements: UnsafeMutablePointer<Element>?
  private var count = 0
  private let limit: Int

  /// - Parameter limit: most objects that are kept.
  init(limit: Int) { self.limit = limit }

  deinit { Spares.free(elements, count) }

  @inline(__always) mutating func take() -> Element? {
    guard count > 0, let elements else { return nil }
    count &-= 1
    return (elements + count).move()
  }

  mutating func removeAll() {
    Spares.free(elements, count)
    (elements, count) = (nil, 0)
  }

  /// Keeps an object, unless there are enough, or somebody else holds it and may read it yet.
  /// - Parameter clear: makes it hold nothing of what it was used for.
  @inline(__always) mutating func keep(_ element: consuming Element, clear: (Element) -> Void) {
    guard count < limit, isKnownUniquelyReferenced(&element) else { return }
    clear(element)
    let elements = self.elements ?? .allocate(capacity: limit)
    (elements + count).initialize(to: element)
    count &+= 1
    self.elements = elements
  }

  private static func free(_ elements: UnsafeMutablePointer<Element>?, _ count: Int) {
    elements?.deinitialize(count: count)
    elements?.deallocate()
  }
}
