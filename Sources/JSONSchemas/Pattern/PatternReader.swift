/// Reads the subset of ECMA-262's regular expressions (flag `u`) that docs/SCHEMAS.md lists. What needs more than one
/// look at each character (references back, looking ahead or behind) is refused.
struct PatternReader {
  static let maxDepth = 64
  static let maxRepeat = 1_000
  static let maxScalarCount = 4_096

  private let scalars: [Unicode.Scalar]
  private var index = 0
  private var depth = 0

  static func read(_ text: String) throws(PatternFault) -> PatternNode {
    var reader = PatternReader(scalars: Array(text.unicodeScalars))
    guard reader.scalars.count <= maxScalarCount else {
      throw PatternFault(text: "is longer than \(maxScalarCount) characters", offset: 0)
    }
    let node = try reader.choice()
    guard reader.index == reader.scalars.count else { throw reader.fault("has a \")\" too many") }
    return node
  }

  private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

  private func fault(_ text: String) -> PatternFault { PatternFault(text: text, offset: index) }

  private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    index += 1
    return true
  }

  // MARK: Structure

  private mutating func choice() throws(PatternFault) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= PatternReader.maxDepth else { throw fault("is nested deeper than \(PatternReader.maxDepth)") }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws(PatternFault) -> PatternNode {
    var nodes: [PatternNode] = []
    while let scalar = next, scalar != "|", scalar != ")" { nodes.append(try repeated(try term())) }
    return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  private mutating func term() throws(PatternFault) -> PatternNode {
    guard let scalar = next else { return .empty }
    index += 1
    switch scalar {
    case "^": return .assertion(.start)
    case "$": return .assertion(.end)
    case ".": return .one(.anyButLineEnd)
    case "(": return try group()
    case "[": return .one(try set())
    case "\\": return try escape()
    case "*", "+", "?", "{":
      index -= 1
      throw fault("has a \"\(scalar)\" with nothing to repeat")
    default: return .one(ScalarSet([scalar.value...scalar.value]))
    }
  }

  private mutating func group() throws(PatternFault) -> PatternNode {
    if take("?") {
      if take("<") {
        guard next != "=", next != "!" else { throw fault("looks behind, which is not supported") }
        while let scalar = next, scalar != ">" {
          guard PatternReader.isNamePart(scalar) else { throw fault("has a group with a bad name") }
          index += 1
        }
        guard take(">") else { throw fault("has a group without the end of its name") }
      } else if !take(":") {
        throw fault("looks ahead, or has a group of a kind that is not supported")
      }
    }
    let node = try choice()
    guard take(")") else { throw fault("has a group without an end") }
    return node
  }

  private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool { ScalarSet.wordSet.contains(scalar) }

  // MARK: Repeats

  private mutating func repeated(_ node: PatternNode) throws(PatternFault) -> PatternNode {
    guard let (least, most) = try quantifier() else { return node }
    if case .assertion = node { throw fault("repeats what takes no character") }
    // Fewest first or most first finds the same texts.
    _ = take("?")
    if let scalar = next, ["*", "+", "?", "{"].contains(scalar) { throw fault("repeats a repeat") }
    return .repeated(node, least: least, most: most)
  }

  private mutating func quantifier() throws(PatternFault) -> (least: Int, most: Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    guard take("{") else { return nil }
    guard let least = number() else { throw fault("has a \"{\" without a number; write \\{ for the character") }
    var most: Int? = least
    if take(",") { most = number() }
    guard take("}") else { throw fault("has a repeat without \"}\"") }
    guard most ?? least >= least else { throw fault("repeats at least more often than at most") }
    guard max(least, most ?? 0) <= PatternReader.maxRepeat else {
      throw fault("repeats more often than \(PatternReader.maxRepeat)")
    }
    return (least, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let digit = next?.value, 0x30...0x39 ~= digit {
      value = min((value ?? 0) * 10 + Int(digit - 0x30), PatternReader.maxRepeat + 1)
      index += 1
    }
    return value
  }

  // MARK: Escapes

  private mutating func escape() throws(PatternFault) -> PatternNode {
    switch next {
    case "b":
      index += 1
      return .assertion(.wordEdge)
    case "B":
      index += 1
      return .assertion(.noWordEdge)
    default: break
    }
    if let (ranges, categories) = try classEscape() { return .one(ScalarSet(ranges, categories: categories)) }
    let value = try characterEscape().value
    return .one(ScalarSet([value...value]))
  }

  /// `\d` and its kin, nil if something else stands here.
  private mutating func classEscape() throws(PatternFault) -> ([ClosedRange<UInt32>], [ScalarSet.Category])? {
    guard let scalar = next else { return nil }
    let ranges: [ClosedRange<UInt32>]
    switch scalar {
    case "d": ranges = ScalarSet.digits
    case "D": ranges = ScalarSet.complement(ScalarSet.digits)
    case "w": ranges = ScalarSet.word
    case "W": ranges = ScalarSet.complement(ScalarSet.word)
    case "s": ranges = ScalarSet.space
    case "S": ranges = ScalarSet.complement(ScalarSet.space)
    case "p", "P":
      index += 1
      return ([], [try category(isNegated: scalar == "P")])
    default: return nil
    }
    index += 1
    return (ranges, [])
  }

  private mutating func category(isNegated: Bool) throws(PatternFault) -> ScalarSet.Category {
    var name = ""
    guard take("{") else { throw fault("has \\p without {category}") }
    while let scalar = next, scalar != "}" {
      name.unicodeScalars.append(scalar)
      index += 1
    }
    guard take("}") else { throw fault("has \\p without \"}\"") }
    guard let categories = ScalarSet.categories(named: name) else {
      throw fault("names the category \"\(name)\"; only general categories such as L, Lu, Nd are supported")
    }
    return ScalarSet.Category(categories: categories, isNegated: isNegated)
  }

  private mutating func characterEscape() throws(PatternFault) -> Unicode.Scalar {
    guard let scalar = next else { throw fault("ends in a backslash") }
    index += 1
    switch scalar {
    case "t": return "\t"
    case "n": return "\n"
    case "r": return "\r"
    case "v": return "\u{B}"
    case "f": return "\u{C}"
    case "0":
      guard let digit = next?.value, 0x30...0x39 ~= digit else { return "\0" }
      throw fault("has an octal escape")
    case "1"..."9", "k": throw fault("refers back to a group, which is not supported")
    case "c": return try control()
    case "x": return Unicode.Scalar(UInt8(truncatingIfNeeded: try hexadecimal(2)))
    case "u": return try unicode()
    default:
      let isPunctuation = scalar.isASCII && !ScalarSet.wordSet.contains(scalar) || scalar == "_"
      guard isPunctuation else { throw fault("has the escape \\\(scalar), which is not supported") }
      return scalar
    }
  }

  private mutating func control() throws(PatternFault) -> Unicode.Scalar {
    guard let letter = next, 0x41...0x5A ~= letter.value & ~0x20, let scalar = Unicode.Scalar(letter.value & 31) else {
      throw fault("has \\c without a letter")
    }
    index += 1
    return scalar
  }

  private mutating func hexadecimal(_ count: Int) throws(PatternFault) -> UInt32 {
    guard index + count <= scalars.count, let value = hexadecimal(index..<index + count) else {
      throw fault("has an escape without \(count) hexadecimal digits")
    }
    index += count
    return value
  }

  private func hexadecimal(_ range: Range<Int>) -> UInt32? {
    var value: UInt32 = 0
    for scalar in scalars[range] {
      guard let digit = Character(scalar).hexDigitValue, scalar.isASCII else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  private mutating func unicode() throws(PatternFault) -> Unicode.Scalar {
    if take("{") {
      let end = scalars[index...].prefix(9).firstIndex(of: "}") ?? index
      guard 1...8 ~= end - index, let scalar = hexadecimal(index..<end).flatMap(Unicode.Scalar.init) else {
        throw fault("has a bad \\u{…}")
      }
      index = end + 1
      return scalar
    }
    var value = try hexadecimal(4)
    if 0xD800...0xDBFF ~= value, take("\\"), take("u") {
      let low = try hexadecimal(4)
      guard 0xDC00...0xDFFF ~= low else { throw fault("has half of a surrogate pair") }
      value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(value) else { throw fault("has half of a surrogate pair") }
    return scalar
  }

  // MARK: Sets

  private mutating func set() throws(PatternFault) -> ScalarSet {
    let isNegated = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    var categories: [ScalarSet.Category] = []
    while !take("]") {
      guard next != nil else { throw fault("has a set without \"]\"") }
      if let part = try setClass() {
        ranges += part.0
        categories += part.1
        continue
      }
      let low = try setCharacter()
      guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
        ranges.append(low.value...low.value)
        continue
      }
      index += 1
      if try setClass() != nil { throw fault("has a range that ends in a class") }
      let high = try setCharacter()
      guard low <= high else { throw fault("has a range out of order") }
      ranges.append(low.value...high.value)
    }
    return ScalarSet(ranges, categories: categories, isNegated: isNegated)
  }

  private mutating func setClass() throws(PatternFault) -> ([ClosedRange<UInt32>], [ScalarSet.Category])? {
    guard next == "\\", index + 1 < scalars.count else { return nil }
    index += 1
    if let part = try classEscape() { return part }
    index -= 1
    return nil
  }

  private mutating func setCharacter() throws(PatternFault) -> Unicode.Scalar {
    guard let scalar = next else { throw fault("has a set without \"]\"") }
    index += 1
    guard scalar == "\\" else { return scalar }
    if take("b") { return "\u{8}" }
    return try characterEscape()
  }
}
