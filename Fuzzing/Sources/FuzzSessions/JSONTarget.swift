import Foundation
import FuzzSupport
import SessionCore

/// Our reader of JSON against Foundation's. They must agree but for what is listed in `mayDiffer`.
@Sendable func json(_ input: inout Input) {
  let data = input.remainder()
  var fault: Malformed?
  var ours: JSONValue?
  do throws(Malformed) {
    ours = try JSONValue(parsing: data)
  } catch {
    fault = error
    require(0...data.count ~= error.offset, "the fault lies at \(error.offset) of \(data.count)")
  }
  if let ours {
    // What we write is what we read.
    let again = try? JSONValue(parsing: ours.bytes)
    requireEqual(again, ours, "written and read again")
  }
  guard !mayDiffer(data, fault) else { return }
  let theirs = try? JSONSerialization.jsonObject(with: Data(data), options: [.fragmentsAllowed])
  switch (ours, theirs) {
  case (nil, nil): break
  case (let ours?, let theirs?): requireSame(ours, theirs)
  case (nil, let theirs?): fail("only Foundation reads it, as \(theirs); ours: \(String(describing: fault))")
  case (let ours?, nil): require(hasHugeNumber(ours), "only we read it: \(ours.text)")
  }
}

/// What we refuse on purpose, and where Foundation does not take bytes for UTF-8.
private func mayDiffer(_ data: [UInt8], _ fault: Malformed?) -> Bool {
  // RFC 8259 section 8.1: UTF-8, no byte order mark. Foundation looks for UTF-16 and UTF-32 too.
  if data.prefix(4).contains(0) || data.starts(with: [0xEF, 0xBB, 0xBF]) { return true }
  if data.starts(with: [0xFE, 0xFF]) || data.starts(with: [0xFF, 0xFE]) { return true }
  guard let fault else { return false }
  return fault.reason.hasPrefix("duplicate key") || fault.reason.hasPrefix("nested deeper")
    || fault.reason == "lone surrogate" || isBehindComma(data, fault.offset)
}

/// `[1,]` and `{"a":1,}`: Foundation reads them, RFC 8259 sections 4 and 5 do not.
private func isBehindComma(_ data: [UInt8], _ offset: Int) -> Bool {
  guard offset < data.count, [UInt8(ascii: "]"), UInt8(ascii: "}")].contains(data[offset]) else { return false }
  return data[..<offset].last { !Set(" \t\r\n".utf8).contains($0) } == UInt8(ascii: ",")
}

/// Foundation refuses a number that no `Double` can hold; we leave numbers as they are written.
private func hasHugeNumber(_ value: JSONValue) -> Bool {
  switch value {
  case .number(let text): Double(text).map { !$0.isFinite } ?? true
  case .array(let values): values.contains(where: hasHugeNumber)
  case .object(let members): members.contains { hasHugeNumber($0.value) }
  default: false
  }
}

private func requireSame(_ ours: JSONValue, _ theirs: Any) {
  switch ours {
  case .null: require(theirs is NSNull, "null, \(theirs)")
  case .bool(let flag): requireEqual(theirs as? Bool, flag, "bool")
  case .number(let text):
    guard let number = theirs as? NSNumber else { fail("\(text), \(theirs)") }
    // Whole numbers may come as decimals of Foundation's own, whose last digit as a Double is another.
    let (left, right) = (Double(text) ?? .nan, number.doubleValue)
    require(left == right || abs(left - right) <= abs(left) * 1e-12, "\(text), \(number)")
  case .string(let text):
    guard let other = theirs as? String else { fail("\(text), \(theirs)") }
    require(text.unicodeScalars.elementsEqual(other.unicodeScalars), "\(text), \(other)")
  case .array(let values):
    guard let others = theirs as? [Any], others.count == values.count else { fail("\(ours.text), \(theirs)") }
    for (value, other) in zip(values, others) { requireSame(value, other) }
  case .object(let members):
    guard let others = theirs as? [String: Any] else { fail("\(ours.text), \(theirs)") }
    // Canonically equivalent keys are one for Foundation.
    guard Set(members.map(\.key)).count == members.count else { return }
    requireEqual(others.count, members.count, "members")
    for member in members {
      guard let other = others[member.key] else { fail("no member \(member.key)") }
      requireSame(member.value, other)
    }
  }
}
