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
struct Spares<Element: AnyObject> {
  private var elements: [Element] = []
  private let limit: Int

  /// - Parameter limit: most objects that are kept.
  init(limit: Int) { self.limit = limit }

  mutating func take() -> Element? { elements.popLast() }

  mutating func removeAll() { elements = [] }

  /// Keeps an object, unless there are enough, or somebody else holds it and may read it yet.
  /// - Parameter clear: makes it hold nothing of what it was used for.
  mutating func keep(_ element: consuming Element, clear: (Element) -> Void) {
    guard elements.count < limit, isKnownUniquelyReferenced(&element) else { return }
    clear(element)
    elements.append(element)
  }
}
