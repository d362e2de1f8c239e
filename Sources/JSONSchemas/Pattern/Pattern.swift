/// A regular expression as a machine that looks at each character once, whatever the pattern and the text: all states
/// that it may be in are walked together (Thompson 1968), so the time is at most characters × instructions.
package struct Pattern: Sendable {
  private enum Instruction: Sendable {
    case one(Int)
    case assertion(Assertion)
    case split(Int, Int)
    case jump(Int)
    case match
  }

  static let maxInstructionCount = 10_000

  private var program: [Instruction] = []
  private var sets: [ScalarSet] = []

  package init(_ text: String) throws(PatternFault) {
    try emit(try PatternReader.read(text))
    try append(.match)
  }

  // MARK: Compiling

  private mutating func append(_ instruction: Instruction) throws(PatternFault) {
    guard program.count < Pattern.maxInstructionCount else {
      throw PatternFault(text: "has more than \(Pattern.maxInstructionCount) steps when its repeats are written out", offset: 0)
    }
    program.append(instruction)
  }

  private mutating func emit(_ node: PatternNode) throws(PatternFault) {
    switch node {
    case .empty: break
    case .one(let set):
      sets.append(set)
      try append(.one(sets.count - 1))
    case .assertion(let assertion): try append(.assertion(assertion))
    case .sequence(let nodes): for node in nodes { try emit(node) }
    case .choice(let branches): try emit(choice: branches[...])
    case .repeated(let node, let least, let most): try emit(node, least, most)
    }
  }

  private mutating func emit(choice branches: ArraySlice<PatternNode>) throws(PatternFault) {
    var jumps: [Int] = []
    for branch in branches.dropLast() {
      let split = program.count
      try append(.split(0, 0))
      try emit(branch)
      jumps.append(program.count)
      try append(.jump(0))
      program[split] = .split(split + 1, program.count)
    }
    if let last = branches.last { try emit(last) }
    for jump in jumps { program[jump] = .jump(program.count) }
  }

  private mutating func emit(_ node: PatternNode, _ least: Int, _ most: Int?) throws(PatternFault) {
    for _ in 0..<least { try emit(node) }
    guard let most else {
      let split = program.count
      try append(.split(0, 0))
      try emit(node)
      try append(.jump(split))
      program[split] = .split(split + 1, program.count)
      return
    }
    var splits: [Int] = []
    for _ in least..<max(least, most) {
      splits.append(program.count)
      try append(.split(0, 0))
      try emit(node)
    }
    for split in splits { program[split] = .split(split + 1, program.count) }
  }

  // MARK: Matching

  /// Whether the pattern is found anywhere in the text; nil if that took more than `steps`, which counts down.
  package func isFound(in text: String, steps: inout Int) -> Bool? {
    // Making room for the states is work too.
    steps -= program.count / 16
    var states = States(count: program.count)
    var following = States(count: program.count)
    var before: Unicode.Scalar?
    var rest = text.unicodeScalars.makeIterator()
    var scalar = rest.next()
    while true {
      if add(0, to: &states, before, scalar) { return true }
      steps -= 1 + states.list.count
      guard steps >= 0 else { return nil }
      guard let current = scalar else { return false }
      scalar = rest.next()
      following.removeAll()
      for state in states.list {
        guard case .one(let set) = program[state], sets[set].contains(current) else { continue }
        if add(state + 1, to: &following, current, scalar) { return true }
      }
      before = current
      swap(&states, &following)
    }
  }

  /// The states that are reached from `state` without taking a character; true if one of them is the end.
  private func add(
    _ state: Int, to states: inout States, _ before: Unicode.Scalar?, _ after: Unicode.Scalar?
  ) -> Bool {
    states.stack.append(state)
    while let state = states.stack.popLast() {
      guard states.insert(state) else { continue }
      switch program[state] {
      case .one: break
      case .match: return true
      case .jump(let target): states.stack.append(target)
      case .split(let first, let second):
        states.stack.append(second)
        states.stack.append(first)
      case .assertion(let assertion):
        if Pattern.holds(assertion, before, after) { states.stack.append(state + 1) }
      }
    }
    return false
  }

  private static func holds(_ assertion: Assertion, _ before: Unicode.Scalar?, _ after: Unicode.Scalar?) -> Bool {
    switch assertion {
    case .start: before == nil
    case .end: after == nil
    case .wordEdge: isWord(before) != isWord(after)
    case .noWordEdge: isWord(before) == isWord(after)
    }
  }

  private static func isWord(_ scalar: Unicode.Scalar?) -> Bool { scalar.map(ScalarSet.wordSet.contains) ?? false }
}

/// A set of states that is emptied in no time: a state is in it if its place in the list says so.
private struct States {
  private(set) var list: [Int] = []
  private var places: [Int]
  /// States that are still to be looked at.
  var stack: [Int] = []

  init(count: Int) { places = Array(repeating: 0, count: count) }

  mutating func insert(_ state: Int) -> Bool {
    let place = places[state]
    guard place >= list.count || list[place] != state else { return false }
    places[state] = list.count
    list.append(state)
    return true
  }

  mutating func removeAll() { list.removeAll(keepingCapacity: true) }
}
