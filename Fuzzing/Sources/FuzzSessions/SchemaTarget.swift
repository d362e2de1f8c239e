import FuzzSupport
import JSONSchemas
import SessionCore

/// A schema and a value, an empty line between them: no schema may be compiled into one that contradicts itself.
@Sendable func schema(_ input: inout Input) {
  let data = input.remainder()
  let end = data.indices.first { $0 + 1 < data.count && data[$0] == 0x0A && data[$0 + 1] == 0x0A } ?? data.endIndex
  let text = Array(data[..<end])
  let value = Array(data[end...].dropFirst(2))
  guard let plain = verdict(text, value) else { return }
  if plain.isOverBudget { return }
  requireEqual(verdict(text, value), plain, "asked again")
  guard let tree = try? JSONValue(parsing: text) else { fail("compiled, and not JSON") }
  require(isPlace(plain.fault?.path ?? "", value), "the fault lies at \(plain.fault?.path ?? ""), which is not in the value")
  // A reference or a name for the whole means something else one level down.
  guard !mentions(tree, ["$ref", "$id", "$defs", "$schema"]) else { return }
  let wrapped: [(JSONValue, isSame: Bool)] = [
    (.object([.init("allOf", .array([tree, tree]))]), true), (.object([.init("anyOf", .array([tree, false]))]), true),
    (.object([.init("oneOf", .array([false, tree]))]), true), (.object([.init("not", tree)]), false),
    (.object([.init("$defs", .object([.init("a", tree)])), .init("$ref", "#/$defs/a")]), true),
  ]
  for (wrapping, isSame) in wrapped {
    // Too deep one level down, or too much work twice.
    guard let other = verdict(wrapping.bytes, value), !other.isOverBudget else { continue }
    if plain.fault.map({ $0.text.hasPrefix("nested deeper") }) ?? false { continue }
    requireEqual((other.fault == nil) == isSame, plain.fault == nil, "as \(wrapping.text) for \(String(decoding: value, as: UTF8.self))")
  }
}

private struct Verdict: Equatable {
  var fault: PayloadFault?
  var isOverBudget: Bool { fault?.text.hasPrefix("the check takes more steps") ?? false }
}

/// Nil for what is no schema, or no JSON as a value.
private func verdict(_ schema: [UInt8], _ value: [UInt8]) -> Verdict? {
  guard (try? JSONValue(parsing: value)) != nil else { return nil }
  guard let set = try? SchemaSet([.init(name: "e.json", bytes: schema)], stepCount: 20_000) else { return nil }
  return Verdict(fault: set.fault(in: value, of: "e", version: 1))
}

private func mentions(_ tree: JSONValue, _ keys: Set<String>) -> Bool {
  switch tree {
  case .array(let values): values.contains { mentions($0, keys) }
  case .object(let members): members.contains { keys.contains($0.key) || mentions($0.value, keys) }
  default: false
  }
}

/// Whether a JSON pointer names a value, or a member that the last object does not have.
private func isPlace(_ pointer: String, _ value: [UInt8]) -> Bool {
  guard var place = try? JSONValue(parsing: value) else { return false }
  for step in pointer.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst() {
    let name = unescaped(step)
    switch place {
    case .object(let members):
      guard let member = members.first(where: { $0.key.utf8.elementsEqual(name) }) else { return false }
      place = member.value
    case .array(let values):
      guard let index = Int(String(decoding: name, as: UTF8.self)), values.indices ~= index else { return false }
      place = values[index]
    default: return false
    }
  }
  return true
}

private func unescaped(_ step: some Sequence<UInt8>) -> [UInt8] {
  var bytes: [UInt8] = []
  var isEscaped = false
  for byte in step {
    if isEscaped {
      bytes.append(byte == UInt8(ascii: "1") ? UInt8(ascii: "/") : UInt8(ascii: "~"))
      isEscaped = false
    } else if byte == UInt8(ascii: "~") {
      isEscaped = true
    } else {
      bytes.append(byte)
    }
  }
  return bytes
}
