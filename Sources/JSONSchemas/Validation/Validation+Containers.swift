import SessionCore

extension Validation {
  // MARK: Arrays

  mutating func check(array values: [JSONValue], _ rules: ArrayRules) -> Fault? {
    if let least = rules.minItems, values.count < least {
      return fault("at least \(Display.count(least, "item")) expected, not \(values.count)")
    }
    if let most = rules.maxItems, values.count > most {
      return fault("at most \(Display.count(most, "item")) expected, not \(values.count)")
    }
    for (index, value) in values.enumerated() {
      guard let node = index < rules.prefix.count ? rules.prefix[index] : rules.items else { break }
      if let fault = check(value, node, at: .index(index)) { return fault }
    }
    if let contains = rules.contains, let fault = check(values, contains, rules) { return fault }
    return rules.areUnique ? checkUnique(values) : nil
  }

  private mutating func check(_ values: [JSONValue], _ contains: Node.ID, _ rules: ArrayRules) -> Fault? {
    var count = 0
    for value in values {
      guard excess == nil else { return fault("") }
      if isValid(value, contains) { count += 1 }
    }
    let least = rules.minContains ?? 1
    if count < least {
      return fault("at least \(Display.count(least, "item")) of the kind that contains asks for expected, not \(count)")
    }
    if let most = rules.maxContains, count > most {
      return fault("at most \(Display.count(most, "item")) of the kind that contains asks for expected, not \(count)")
    }
    return nil
  }

  /// One look at each item: its canonical form is looked up among those before it.
  private mutating func checkUnique(_ values: [JSONValue]) -> Fault? {
    var seen: [[UInt8]: Int] = [:]
    for (index, value) in values.enumerated() {
      let form = CanonicalForm.bytes(value)
      guard spend(1 + form.count / 16) else { return fault("") }
      if let first = seen.updateValue(index, forKey: form) {
        path.append(.index(index))
        defer { path.removeLast() }
        return fault("items that differ expected; this one is equal to item \(first)")
      }
    }
    return nil
  }

  // MARK: Objects

  mutating func check(object members: [JSONValue.Member], _ value: JSONValue, _ rules: ObjectRules) -> Fault? {
    if let least = rules.minProperties, members.count < least {
      return fault("at least \(Display.count(least, "member")) expected, not \(members.count)")
    }
    if let most = rules.maxProperties, members.count > most {
      return fault("at most \(Display.count(most, "member")) expected, not \(members.count)")
    }
    if rules.asksForNames, let fault = checkNames(members, value, rules) { return fault }
    for member in members {
      if let fault = check(member, rules) { return fault }
    }
    return nil
  }

  private mutating func checkNames(
    _ members: [JSONValue.Member], _ value: JSONValue, _ rules: ObjectRules
  ) -> Fault? {
    guard spend(members.count) else { return fault("") }
    let names = Set(members.map { ExactText($0.key) })
    for name in rules.required where !names.contains(name) {
      return fault("the member \"\(name.text)\" is missing")
    }
    for (name, required) in rules.dependentRequired where names.contains(name) {
      for other in required where !names.contains(other) {
        return fault("the member \"\(other.text)\" is missing, which comes with \"\(name.text)\"")
      }
    }
    for (name, node) in rules.dependentSchemas where names.contains(name) {
      if let fault = check(value, node) { return fault }
    }
    return nil
  }

  private mutating func check(_ member: JSONValue.Member, _ rules: ObjectRules) -> Fault? {
    guard spend(1) else { return fault("") }
    if let names = rules.names, !isValid(.string(member.key), names) {
      return fault("the name \(Display.text(.string(member.key))) is not allowed")
    }
    var isNamed = false
    if let node = rules.properties[ExactText(member.key)] {
      isNamed = true
      if let fault = check(member.value, node, at: .name(member.key)) { return fault }
    }
    for (pattern, node) in rules.patterns where isFound(pattern, in: member.key) {
      isNamed = true
      if let fault = check(member.value, node, at: .name(member.key)) { return fault }
    }
    guard !isNamed, let additional = rules.additional else { return nil }
    if schemas.nodes[additional].isNever {
      path.append(.name(member.key))
      defer { path.removeLast() }
      return fault("no such member is allowed")
    }
    return check(member.value, additional, at: .name(member.key))
  }

  private mutating func check(_ value: JSONValue, _ node: Node.ID, at step: Step) -> Fault? {
    path.append(step)
    defer { path.removeLast() }
    return check(value, node)
  }

  // MARK: Schemas for the same value

  mutating func checkInPlace(_ value: JSONValue, _ rules: InPlaceRules) -> Fault? {
    if let reference = rules.reference, let fault = check(value, schemas.references[reference]) { return fault }
    for node in rules.allOf { if let fault = check(value, node) { return fault } }
    if !rules.anyOf.isEmpty, let fault = checkAny(value, rules.anyOf) { return fault }
    if !rules.oneOf.isEmpty, let fault = checkOne(value, rules.oneOf) { return fault }
    if let node = rules.not, isValid(value, node) { return fault("a value of the kind that not names is not allowed") }
    guard let condition = rules.condition else { return nil }
    let branch = isValid(value, condition) ? rules.then : rules.otherwise
    return branch.flatMap { check(value, $0) }
  }

  mutating func isValid(_ value: JSONValue, _ node: Node.ID) -> Bool {
    quietness += 1
    defer { quietness -= 1 }
    return check(value, node) == nil
  }

  private mutating func checkAny(_ value: JSONValue, _ nodes: [Node.ID]) -> Fault? {
    guard !nodes.contains(where: { isValid(value, $0) }) else { return nil }
    return nearest(value, nodes, "none of the \(nodes.count) kinds of value that are allowed here")
  }

  private mutating func checkOne(_ value: JSONValue, _ nodes: [Node.ID]) -> Fault? {
    let fitting = nodes.indices.filter { isValid(value, nodes[$0]) }
    switch fitting.count {
    case 1: return nil
    case 0: return nearest(value, nodes, "none of the \(nodes.count) kinds of value of which one is allowed here")
    default:
      return fault("one kind of value expected; this is of \(fitting.count) (oneOf \(fitting.map(String.init).joined(separator: ", ")))")
    }
  }

  /// The fault of the alternative that got farthest, which is the one that was meant; if none got into the value, no
  /// alternative is better than another.
  private mutating func nearest(_ value: JSONValue, _ nodes: [Node.ID], _ text: String) -> Fault? {
    guard quietness == 0, excess == nil else { return fault("") }
    let faults = nodes.compactMap { check(value, $0) }
    let deepest = faults.max { $0.path.count < $1.path.count }
    if let deepest, nodes.count == 1 || deepest.path.count > path.count { return deepest }
    return fault(text)
  }
}
