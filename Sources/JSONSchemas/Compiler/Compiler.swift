import SessionCore

/// Turns files into nodes, once. Every schema in every file is compiled, used or not, so that a keyword that is not
/// known is found wherever it stands. All faults are gathered, not the first alone.
struct Compiler {
  /// Where a schema stands.
  struct Place: Hashable {
    var file: String
    var pointer: String

    func at(_ steps: String...) -> Place {
      Place(file: file, pointer: steps.reduce(pointer) { "\($0)/\(Pointer.step($1))" })
    }
  }

  private(set) var nodes: [Node?] = []
  var places: [Node.ID: Place] = [:]
  private(set) var faults: [SchemaFault] = []
  private var ids: [Place: Node.ID] = [:]
  /// What is referred to, and from where; resolved when all files are compiled.
  private var references: [(target: Place, from: Place)] = []
  private let files: [String: JSONValue]
  /// Files by their `$id`.
  private var fileNames: [String: String] = [:]
  /// Files that something in another file refers to.
  private(set) var sharedFiles: Set<String> = []

  init(_ files: [String: JSONValue]) { self.files = files }

  /// - Throws: `SchemaFaults` with all that is wrong.
  mutating func compile() throws(SchemaFaults) -> CompiledSchemas {
    for name in files.keys.sorted() { readID(name) }
    var roots: [String: Node.ID] = [:]
    for name in files.keys.sorted() {
      if let value = files[name] { roots[name] = compile(value, Place(file: name, pointer: "")) }
    }
    let targets = references.map { resolve($0.target, $0.from) }
    guard faults.isEmpty else { throw SchemaFaults(faults) }
    let compiled = CompiledSchemas(nodes: nodes.compactMap { $0 }, references: targets.compactMap { $0 }, roots: roots)
    var loops = LoopFinder(compiled)
    if let (node, text) = loops.fault(), let place = places[node] { fault(place, text) }
    guard faults.isEmpty else { throw SchemaFaults(faults) }
    return compiled
  }

  mutating func fault(_ place: Place, _ text: String, unknownKeyword: String? = nil) {
    faults.append(
      SchemaFault(file: place.file, place: .pointer(place.pointer), text: text, unknownKeyword: unknownKeyword))
  }

  // MARK: References

  private mutating func readID(_ name: String) {
    guard let id = files[name]?[Keyword.id.rawValue]?.stringValue else { return }
    let place = Place(file: name, pointer: "").at(Keyword.id.rawValue)
    guard !id.contains("#") || id.hasSuffix("#") else { return fault(place, "$id has no fragment") }
    guard fileNames.updateValue(name, forKey: id) == nil else { return fault(place, "another file has this $id") }
  }

  /// A number in the table of references for what a `$ref` names.
  mutating func reference(_ text: String, _ from: Place) -> Int? {
    let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let base = String(parts[0])
    let file = base.isEmpty ? from.file : fileNames[base] ?? (base.hasPrefix("./") ? String(base.dropFirst(2)) : base)
    guard files[file] != nil else {
      fault(from, "refers to \"\(base)\", and there is no such file beside this one")
      return nil
    }
    let fragment = parts.count > 1 ? parts[1] : ""
    guard let pointer = Pointer.fromFragment(fragment), pointer.isEmpty || pointer.hasPrefix("/") else {
      fault(from, "refers to \"#\(fragment)\"; a reference names a place, such as #/$defs/name, not an anchor")
      return nil
    }
    if file != from.file { sharedFiles.insert(file) }
    references.append((Place(file: file, pointer: pointer), from))
    return references.count - 1
  }

  private mutating func resolve(_ target: Place, _ from: Place) -> Node.ID? {
    if let node = ids[target] { return node }
    let file = target.file == from.file ? "" : target.file
    fault(from, "refers to \"\(file)#\(target.pointer)\", and no schema stands there")
    return nil
  }

  // MARK: Schemas

  /// The node of the schema at `place`. A schema that is wrong becomes one that accepts nothing; the fault is kept.
  mutating func compile(_ value: JSONValue, _ place: Place) -> Node.ID {
    let id = nodes.count
    nodes.append(nil)
    (ids[place], places[id]) = (id, place)
    switch value {
    case .bool(let flag): nodes[id] = Node(isNever: !flag)
    case .object(let members):
      var draft = Draft()
      for member in members { read(member, at: place, &draft) }
      nodes[id] = draft.node
    default:
      fault(place, "a schema is an object, true or false")
      nodes[id] = Node(isNever: true)
    }
    return id
  }

  private mutating func read(_ member: JSONValue.Member, at place: Place, _ draft: inout Draft) {
    let here = place.at(member.key)
    guard let keyword = Keyword(rawValue: member.key) else {
      return fault(here, "\"\(member.key)\" is no keyword that is supported", unknownKeyword: member.key)
    }
    switch keyword {
    case .type, .const, .oneOfValues: readAny(keyword, member.value, here, &draft)
    case .multipleOf, .minimum, .maximum, .exclusiveMinimum, .exclusiveMaximum:
      readNumber(keyword, member.value, here, &draft)
    case .minLength, .maxLength, .pattern: readText(keyword, member.value, here, &draft)
    case .prefixItems, .items, .contains, .minContains, .maxContains, .minItems, .maxItems, .uniqueItems:
      readArray(keyword, member.value, here, &draft)
    case .properties, .patternProperties, .additionalProperties, .propertyNames, .required, .minProperties,
      .maxProperties, .dependentRequired, .dependentSchemas:
      readObject(keyword, member.value, here, &draft)
    case .ref, .allOf, .anyOf, .oneOf, .not, .condition, .then, .otherwise:
      readInPlace(keyword, member.value, here, &draft)
    case .definitions: _ = readSchemas(member.value, here)
    case .schema, .id: readIdentity(keyword, member.value, here)
    case .comment, .title, .description, .default, .examples, .deprecated, .readOnly, .writeOnly, .format: break
    }
  }

  private mutating func readIdentity(_ keyword: Keyword, _ value: JSONValue, _ place: Place) {
    guard let text = value.stringValue else { return fault(place, "\(keyword.rawValue) is a text") }
    guard place.pointer == "/\(keyword.rawValue)" else {
      return fault(place, "\(keyword.rawValue) stands at the top of a file only")
    }
    let dialect = "https://json-schema.org/draft/2020-12/schema"
    if keyword == .schema, text != dialect, text != dialect + "#" {
      fault(place, "\"\(text)\" is not \(dialect), the only dialect here")
    }
  }

  // MARK: Parts

  mutating func readSchemas(_ value: JSONValue, _ place: Place) -> [(name: String, node: Node.ID)] {
    guard case .object(let members) = value else {
      fault(place, "an object of schemas is expected")
      return []
    }
    return members.map { ($0.key, compile($0.value, place.at($0.key))) }
  }

  mutating func readList(_ value: JSONValue, _ place: Place) -> [Node.ID] {
    guard let values = value.arrayValue, !values.isEmpty else {
      fault(place, "a list of at least one schema is expected")
      return []
    }
    return values.enumerated().map { compile($1, place.at(String($0))) }
  }

  mutating func readCount(_ value: JSONValue, _ place: Place) -> Int? {
    if case .number(let text) = value, let count = ExactNumber(text)?.count { return count }
    fault(place, "a whole number from 0 to 2^53-1 is expected")
    return nil
  }

  mutating func readNames(_ value: JSONValue, _ place: Place) -> [ExactText] {
    let names = value.arrayValue?.compactMap { $0.stringValue.map(ExactText.init) }
    guard let names, names.count == value.arrayValue?.count, Set(names).count == names.count else {
      fault(place, "a list of names, each once, is expected")
      return []
    }
    return names
  }

  mutating func readPattern(_ text: String, _ place: Place) -> Pattern? {
    do throws(PatternFault) {
      return try Pattern(text)
    } catch {
      fault(place, "the pattern \"\(text)\" \(error.text) (character \(error.offset + 1))")
      return nil
    }
  }
}

/// The groups of a node while its keywords are read.
struct Draft {
  var types: TypeSet?
  var values: [AllowedValues] = []
  var numbers: NumberRules?
  var texts: TextRules?
  var arrays: ArrayRules?
  var objects: ObjectRules?
  var inPlace = InPlaceRules()

  var node: Node {
    Node(
      types: types, values: values, numbers: numbers, texts: texts, arrays: arrays, objects: objects,
      inPlace: inPlace.isEmpty ? nil : inPlace)
  }
}

/// What is evaluated.
struct CompiledSchemas: Sendable {
  var nodes: [Node]
  /// Nodes by the numbers of references.
  var references: [Node.ID]
  /// The schema of each file.
  var roots: [String: Node.ID]
}
