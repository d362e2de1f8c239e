/// A pattern as it was read.
indirect enum PatternNode {
  case empty
  case one(ScalarSet)
  case assertion(Assertion)
  case sequence([PatternNode])
  case choice([PatternNode])
  case repeated(PatternNode, least: Int, most: Int?)
}

/// What takes no character.
enum Assertion: Sendable {
  case start, end, wordEdge, noWordEdge
}

/// Why a pattern cannot be taken: the end of a sentence that begins with the pattern.
package struct PatternFault: Error {
  package var text: String
  /// Characters in front of the fault.
  package var offset: Int
}
