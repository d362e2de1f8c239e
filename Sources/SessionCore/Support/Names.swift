extension String {
  /// Whether U+0000…U+001F or U+007F is in it: names of rooms and users have none.
  package var hasControlCharacter: Bool { unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }

  /// Its beginning, of at most so many bytes of UTF-8, with no character cut in two. A `Character` has no bound: a thousand
  /// accents on one letter are one, so what a peer may choose is never cut by counting them.
  package func cut(toByteCount limit: Int) -> String {
    guard utf8.count > limit else { return self }
    var end = utf8.index(startIndex, offsetBy: limit)
    while end.samePosition(in: unicodeScalars) == nil { utf8.formIndex(before: &end) }
    return String(self[..<end])
  }

  /// Whether it is the same text byte for byte. `==` also takes for equal what Unicode holds for canonically equivalent,
  /// such as é as one character and as two; peers compare bytes, and so must whoever tells their names apart.
  package func isSameName(as other: String) -> Bool {
    guard utf8.count == other.utf8.count else { return false }
    // Views of texts are compared step by step; memory in a third of the time.
    var (one, other) = (self, other)
    return one.withUTF8 { one in other.withUTF8 { one.elementsEqual($0) } }
  }
}

/// A name as a key: equal by its bytes.
package struct NameKey: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (one: NameKey, other: NameKey) -> Bool { one.text.isSameName(as: other.text) }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

/// Values by names of rooms or users, which are told apart by their bytes.
package struct NameMap<Value> {
  private var values: [NameKey: Value] = [:]

  package init() {}

  package var count: Int { values.count }
  /// Gives up the room that is kept for what may come.
  package mutating func dropSpareRoom() { values.dropSpareRoom() }

  /// In no order.
  package var pairs: [(name: String, value: Value)] { values.map { ($0.key.text, $0.value) } }

  package subscript(name: String) -> Value? {
    get { values[NameKey(name)] }
    _modify { yield &values[NameKey(name)] }
  }

  package subscript(name: String, default value: @autoclosure () -> Value) -> Value {
    get { values[NameKey(name), default: value()] }
    _modify { yield &values[NameKey(name), default: value()] }
  }
}

extension NameMap: Sendable where Value: Sendable {}
