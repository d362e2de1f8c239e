import FuzzSupport
import SessionCore

/// What a message is taken for.
private enum Judged: Equatable {
  case accepted
  case malformed
  case version
  case extensionUnsupported
}

/// An envelope: against the rules of PROTOCOL.md over a tree, and decoded, encoded, decoded again.
@Sendable func envelope(_ input: inout Input) {
  let data = input.remainder()
  var judged = Judged.accepted
  var envelope: Envelope?
  do throws(Envelope.Fault) {
    envelope = try Envelope(parsing: data.span)
  } catch {
    switch error {
    case .malformed(let fault):
      judged = .malformed
      require(0...data.count ~= fault.offset, "the fault lies at \(fault.offset) of \(data.count)")
    case .version: judged = .version
    case .extensionUnsupported: judged = .extensionUnsupported
    }
  }
  do throws(Malformed) {
    let tree = try JSONValue(parsing: data)
    requireEqual(judged, judge(tree), "ours, by the tree: \(tree.text)")
    if let envelope { requireFields(envelope, data, tree) }
  } catch {
    // The envelope does not look into what it passes on.
    let isInside = error.reason.hasPrefix("duplicate key")
    require(judged == .malformed || isInside, "not JSON (\(error.reason)), and \(judged)")
  }
  if let envelope { requireRoundTrip(envelope, data) }
  requireTheSameByItsSpelling(data)
}

// MARK: By its spelling

/// A reader that knows how these are spelled, or this very message, finds the same.
private func requireTheSameByItsSpelling(_ data: [UInt8]) {
  let expected = read(data) { envelope throws(Envelope.Fault) in envelope = try Envelope(parsing: data.span) }
  var reader = EnvelopeReader()
  for sample in [
    #"{"v":2,"seq":7,"ack":6,"type":"event","event":"chat","id":"1","payload":"a"}"#,
    #"{"v":2, "type":"event", "seq":7, "event":"a.b", "room":"r", "key":"k", "payload":{}}"#,
    #"{"v":2,"seq":1,"type":"reply","re":"1","pos":["0123456789abcdef",1],"from":"s_AAAAAAAAAAAAAAAAAAAAAA","payload":{}}"#,
  ] {
    var envelope = Envelope()
    do { try reader.read(Array(sample.utf8).span, into: &envelope) } catch { fail("\(error): \(sample)") }
  }
  for time in ["first", "second"] {
    let found = read(data) { envelope throws(Envelope.Fault) in try reader.read(data.span, into: &envelope) }
    requireEqual(found, expected, "by its spelling, the \(time) time")
  }
}

private func read(_ data: [UInt8], _ body: (inout Envelope) throws(Envelope.Fault) -> Void) -> Result<Meaning, Envelope.Fault> {
  var envelope = Envelope()
  do throws(Envelope.Fault) {
    try body(&envelope)
    return .success(Meaning(envelope, data))
  } catch {
    return .failure(error)
  }
}

// MARK: The rules, over a tree

private let texts = ["type", "event", "id", "re", "room", "from", "key", "delivery"]
private let counters = ["v", "seq", "ack", "ev"]

private func judge(_ tree: JSONValue) -> Judged {
  guard case .object(let members) = tree else { return .malformed }
  // Form first: whatever the version.
  for member in members {
    if counters.contains(member.key), member.value.unsignedValue == nil { return .malformed }
    if texts.contains(member.key), member.value.stringValue == nil { return .malformed }
    if member.key == "history", member.value.boolValue == nil { return .malformed }
    if member.key == "delivery", !["reliable", "transient"].contains(member.value.stringValue) { return .malformed }
  }
  guard let version = tree["v"]?.unsignedValue else { return .malformed }
  guard version == 1 || version == 2 else { return .version }
  guard hasLegalTexts(tree), hasWhatItsTypeNeeds(tree) else { return .malformed }
  if tree["seq"]?.unsignedValue == 0 || tree["ev"]?.unsignedValue == 0 { return .malformed }
  if let pos = tree["pos"], LogPosition(pos) == nil { return .malformed }
  guard let crit = tree["crit"] else { return .accepted }
  guard let names = crit.arrayValue, names.allSatisfy({ $0.stringValue != nil }) else { return .malformed }
  return names.isEmpty ? .accepted : .extensionUnsupported
}

private func hasLegalTexts(_ tree: JSONValue) -> Bool {
  for (name, limit) in [("id", 64), ("re", 64), ("room", 128), ("key", 128)] {
    if let text = tree[name]?.stringValue, text.isEmpty || text.utf8.count > limit { return false }
  }
  if let from = tree["from"]?.stringValue, SessionID(from) == nil { return false }
  return tree["event"]?.stringValue.map(isEventName) ?? true
}

private func isEventName(_ name: String) -> Bool {
  let words = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
  let letters = Set("abcdefghijklmnopqrstuvwxyz0123456789_".utf8)
  return name.utf8.count <= 128 && words.allSatisfy { !$0.isEmpty && $0.allSatisfy(letters.contains) }
}

private func hasWhatItsTypeNeeds(_ tree: JSONValue) -> Bool {
  guard let type = tree["type"]?.stringValue else { return false }
  let types = MessageType.allCases.map { Array("\($0.name)".utf8) }
  guard types.contains(Array(type.utf8)) else { return false }
  switch type {
  case "event": return tree["event"] != nil && tree["payload"] != nil
  case "hello": return tree["payload"] != nil
  case "join", "leave": return tree["room"] != nil
  default: return true
  }
}

// MARK: What was read

private func requireFields(_ envelope: Envelope, _ data: [UInt8], _ tree: JSONValue) {
  for (name, text) in [
    ("event", envelope.event), ("id", envelope.id), ("re", envelope.re), ("room", envelope.room),
    ("from", envelope.from), ("key", envelope.key),
  ] {
    requireEqual(text.map { Array($0.decoded(data.span).utf8) }, tree[name]?.stringValue.map { Array($0.utf8) }, name)
  }
  requireEqual(envelope.version, tree["v"]?.unsignedValue ?? 0, "v")
  requireEqual(envelope.seq, tree["seq"]?.unsignedValue, "seq")
  requireEqual(envelope.ack, tree["ack"]?.unsignedValue, "ack")
  requireEqual(envelope.eventVersion, tree["ev"]?.unsignedValue ?? 1, "ev")
  requireEqual("\(envelope.type.name)", tree["type"]?.stringValue ?? "", "type")
  requireEqual(envelope.isTransient, tree["delivery"] == "transient", "delivery")
  requireEqual(envelope.isHistory, tree["history"] == true, "history")
  requireEqual(envelope.payload.map { try? JSONValue(parsing: Array(data[$0])) }, tree["payload"].map { $0 }, "payload")
}

// MARK: Round trip

/// What a message says, apart from its bytes.
private struct Meaning: Equatable {
  var numbers: [UInt64?]
  var texts: [[UInt8]?]
  var flags: [Bool]
  var slices: [[UInt8]?]

  init(_ envelope: Envelope, _ data: [UInt8]) {
    numbers = [envelope.version, UInt64(envelope.type.rawValue), envelope.seq, envelope.ack, envelope.eventVersion]
    texts = [envelope.event, envelope.id, envelope.re, envelope.room, envelope.from, envelope.key].map {
      $0.map { Array($0.decoded(data.span).utf8) }
    }
    flags = [envelope.isTransient, envelope.isHistory]
    slices = [envelope.pos, envelope.payload].map { $0.map { Array(data[$0]) } }
  }

  /// The message written anew.
  var bytes: [UInt8] {
    var bytes = Array("{\"v\":\(numbers[0] ?? 0),\"type\":\"".utf8)
    let type = MessageType.allCases.first { UInt64($0.rawValue) == numbers[1] } ?? .event
    bytes += Array("\(type.name)\"".utf8)
    for (name, number) in zip(["seq", "ack", "ev"], numbers[2...]) {
      if let number { bytes += Array(",\"\(name)\":\(number)".utf8) }
    }
    for (name, text) in zip(["event", "id", "re", "room", "from", "key"], texts) {
      guard let text else { continue }
      bytes += Array(",\"\(name)\":".utf8) + JSONValue.string(String(decoding: text, as: UTF8.self)).bytes
    }
    if flags[0] { bytes += Array(#","delivery":"transient""#.utf8) }
    if flags[1] { bytes += Array(#","history":true"#.utf8) }
    for (name, slice) in zip(["pos", "payload"], slices) {
      if let slice { bytes += Array(",\"\(name)\":".utf8) + slice }
    }
    return bytes + Array("}".utf8)
  }
}

private func requireRoundTrip(_ envelope: Envelope, _ data: [UInt8]) {
  let meaning = Meaning(envelope, data)
  let bytes = meaning.bytes
  do throws(Envelope.Fault) {
    requireEqual(Meaning(try Envelope(parsing: bytes.span), bytes), meaning, "decoded, encoded, decoded again")
  } catch {
    fail("encoded again it is refused: \(error): \(String(decoding: bytes, as: UTF8.self))")
  }
}
