/// Finds schemas that come back to themselves for the same value: such a check would never end. A way that goes deeper
/// into the value ends with the value.
struct LoopFinder {
  private enum Mark {
    case open
    case done(length: Int)
  }

  /// Longest chain of schemas that look at one and the same value.
  static let maxChainLength = 128

  private let schemas: CompiledSchemas
  private var marks: [Node.ID: Mark] = [:]

  init(_ schemas: CompiledSchemas) { self.schemas = schemas }

  mutating func fault() -> (Node.ID, String)? {
    for node in schemas.nodes.indices {
      var found: (Node.ID, String)?
      _ = length(node, depth: 0, &found)
      if let found { return found }
    }
    return nil
  }

  private mutating func length(_ node: Node.ID, depth: Int, _ found: inout (Node.ID, String)?) -> Int {
    switch marks[node] {
    case .done(let length)?: return length
    case .open?:
      found = (node, "comes back to itself without going deeper into the value; the check would never end")
      return 0
    case nil: break
    }
    guard depth < LoopFinder.maxChainLength else {
      found = (node, "is the end of a chain of more than \(LoopFinder.maxChainLength) schemas for one value")
      return 0
    }
    marks[node] = .open
    var longest = 0
    for next in schemas.inPlace(node) {
      longest = max(longest, length(next, depth: depth + 1, &found))
      guard found == nil else { return 0 }
    }
    guard longest + 1 <= LoopFinder.maxChainLength else {
      found = (node, "is the start of a chain of more than \(LoopFinder.maxChainLength) schemas for one value")
      return 0
    }
    marks[node] = .done(length: longest + 1)
    return longest + 1
  }
}

extension CompiledSchemas {
  /// The schemas that look at the same value as `node`.
  fileprivate func inPlace(_ node: Node.ID) -> [Node.ID] {
    let dependent = nodes[node].objects?.dependentSchemas.map(\.node) ?? []
    guard let rules = nodes[node].inPlace else { return dependent }
    let single = [rules.reference.map { references[$0] }, rules.not, rules.condition]
    let branches = rules.condition == nil ? [] : [rules.then, rules.otherwise]
    return dependent + (single + branches).compactMap { $0 } + rules.allOf + rules.anyOf + rules.oneOf
  }
}
