import Foundation
import JSONSchemas
import SessionCore
import SessionSimulator
import Testing

/// Runs the transcripts of Tests/Vectors, which PROTOCOL.md cites, against shards in virtual time.
@Suite struct VectorTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Vectors")

  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".json") }.sorted()

  @Test func thereAreVectors() { #expect(VectorTests.names.count >= 25) }

  @Test(arguments: names, [1, 3]) func vector(name: String, shardCount: Int) throws {
    let bytes = try Data(contentsOf: VectorTests.folder.appendingPathComponent(name))
    let file = try JSONValue(parsing: Array(bytes))
    var runner = VectorRunner(file, shardCount: shardCount)
    for (number, step) in (file["steps"]?.arrayValue ?? []).enumerated() {
      if let fault = runner.run(step) {
        Issue.record("\(name), step \(number + 1), \(shardCount) shards: \(fault)")
        return
      }
    }
  }
}

struct VectorRunner {
  private let world: World
  private var wires: [String: Wire] = [:]
  private var variables: [String: JSONValue] = [:]
  private static let passedOver: Set<String> = ["ack", "ping", "live"]

  init(_ file: JSONValue, shardCount: Int) {
    let settings = file["settings"] ?? .null
    let count = settings["loops"]?.unsignedValue.map { Int($0) } ?? shardCount
    var application = VectorApplication.make(tokens: settings["tokens"]?.arrayValue ?? [])
    application.events = VectorRunner.events(settings)
    world = World(shardCount: count, limits: VectorRunner.limits(settings), application: application, seed: 7)
    for name in file["fresh"]?.arrayValue ?? [] {
      variables["$" + (name.stringValue ?? "")] = .string("fresh-" + (name.stringValue ?? ""))
    }
  }

  private static func limits(_ settings: JSONValue) -> Limits {
    var limits = Limits()
    func set(_ name: String, _ path: WritableKeyPath<Limits, UInt64>) {
      if let value = settings[name]?.unsignedValue { limits[keyPath: path] = value }
    }
    func set(_ name: String, _ path: WritableKeyPath<Limits, Int>) {
      if let value = settings[name]?.unsignedValue { limits[keyPath: path] = Int(value) }
    }
    set("session_ttl_ms", \.sessionTTLMilliseconds)
    set("ping_interval_ms", \.pingIntervalMilliseconds)
    set("ping_timeout_ms", \.pingTimeoutMilliseconds)
    set("hello_timeout_ms", \.helloTimeoutMilliseconds)
    set("takeover_window_ms", \.takeoverWindowMilliseconds)
    set("credential_notice_ms", \.credentialNoticeMilliseconds)
    set("outbox_messages", \.outbox.messageCount)
    set("outbox_total_bytes", \.outboxTotalByteCount)
    set("hello_rate", \.helloRatePerSecond)
    set("hello_burst", \.helloBurstCount)
    set("takeover_limit", \.takeoverCount)
    limits.sessionsPerUser = settings["sessions_per_user"]?.unsignedValue.map { Int($0) }
    limits.credentialMaxAgeMilliseconds = settings["credential_max_age_ms"]?.unsignedValue
    set("presence_grace_ms", \.presenceGraceMilliseconds)
    limits.roomRules = (settings["rooms"]?.arrayValue ?? []).map(VectorRunner.roomRule)
    return limits
  }

  private static func roomRule(_ rule: JSONValue) -> RoomRule {
    var policy = RoomPolicy(presenceGraceMilliseconds: rule["grace_ms"]?.unsignedValue)
    if let count = rule["history"]?.unsignedValue { policy.history = RoomPolicy.History(messageCount: Int(count)) }
    return RoomRule(NamePattern(rule["pattern"]?.stringValue ?? ""), policy)
  }

  /// What `serve` makes of `--schemas` and `--deprecate`.
  private static func events(_ settings: JSONValue) -> EventRules {
    var events = EventRules()
    events.exempt = ["echo", "time", "state.get", "state.set", "direct.send"]
    events.isStrict = settings["schemas_strict"] == true
    if case .object(let files)? = settings["schemas"] {
      events.payloads = try? SchemaSet(files.map { SchemaSet.File(name: $0.key, bytes: $0.value.bytes) })
    }
    for text in settings["deprecate"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
      let parts = text.split(separator: "=", maxSplits: 1)
      let words = parts[1].split(separator: " ", maxSplits: 1).map(String.init)
      let event = parts[0].split(separator: "@")
      let subject: Deprecation.Subject =
        event.count == 2
        ? .event(String(event[0]), version: UInt64(event[1]) ?? 0) : .version(UInt64(parts[0].dropFirst()) ?? 0)
      events.add(Deprecation(subject, date: words[0], text: words.count > 1 ? words[1] : ""))
    }
    return events
  }

  /// What went wrong, nil if nothing did.
  mutating func run(_ step: JSONValue) -> String? {
    if let name = step["connect"]?.stringValue { return connect(name, step["subprotocol"]?.stringValue) }
    if let name = step["send"]?.stringValue { return send(name, step) }
    if let name = step["receive"]?.stringValue { return receive(name, step["message"] ?? .null) }
    if let name = step["closed"]?.stringValue { return closed(name, step["code"]?.unsignedValue) }
    if let name = step["drop"]?.stringValue {
      guard let wire = wires[name] else { return "no connection \(name)" }
      world.drop(wire)
      world.settle()
      return nil
    }
    if let time = step["advance_ms"]?.unsignedValue {
      world.run(forMilliseconds: time)
      return nil
    }
    return "unknown step \(step.text)"
  }

  private mutating func connect(_ name: String, _ subprotocol: String?) -> String? {
    let version: UInt64? = subprotocol.map { $0.contains("v1") ? 1 : 2 }
    wires[name] = world.connect(version: version)
    return nil
  }

  private func send(_ name: String, _ step: JSONValue) -> String? {
    guard let wire = wires[name] else { return "no connection \(name)" }
    do {
      world.send(try step["text"]?.stringValue ?? filled(step["message"] ?? .null).text, on: wire)
    } catch {
      return "\(error)"
    }
    world.settle()
    return nil
  }

  private struct Unbound: Error { var name: String }

  private func filled(_ value: JSONValue) throws -> JSONValue {
    switch value {
    case .string(let text) where text.hasPrefix("$"):
      guard let bound = variables[text] else { throw Unbound(name: text) }
      return bound
    case .array(let values): return .array(try values.map(filled))
    case .object(let members):
      return .object(
        try members.map { .init(try filled(.string($0.key)).stringValue ?? $0.key, try filled($0.value)) })
    default: return value
    }
  }

  private mutating func receive(_ name: String, _ pattern: JSONValue) -> String? {
    guard let wire = wires[name] else { return "no connection \(name)" }
    let wanted = pattern["type"]?.stringValue
    while let text = wire.read() {
      guard let message = try? JSONValue(parsing: Array(text.utf8)) else { return "not JSON: \(text)" }
      let type = message["type"]?.stringValue ?? ""
      if type != wanted, VectorRunner.passedOver.contains(type) { continue }
      return match(message, pattern) ? nil : "\(text) does not match \(pattern.text)"
    }
    return "nothing came on \(name) where \(pattern.text) was due (close code \(String(describing: wire.closeCode)))"
  }

  private func closed(_ name: String, _ code: UInt64?) -> String? {
    guard let wire = wires[name] else { return "no connection \(name)" }
    while let text = wire.read() {
      let type = (try? JSONValue(parsing: Array(text.utf8)))?["type"]?.stringValue ?? ""
      if !VectorRunner.passedOver.contains(type) { return "\(text) came before the close" }
    }
    return wire.closeCode.map(UInt64.init) == code ? nil : "closed with \(String(describing: wire.closeCode))"
  }

  private mutating func match(_ value: JSONValue, _ pattern: JSONValue) -> Bool {
    switch pattern {
    case .string("*"): return true
    case .string(let name) where name.hasPrefix("$"):
      if let bound = variables[name] { return bound == value }
      variables[name] = value
      return true
    case .array(let patterns):
      guard let values = value.arrayValue, values.count == patterns.count else { return false }
      for (element, pattern) in zip(values, patterns) where !match(element, pattern) { return false }
      return true
    case .object(let members):
      guard value.isObject else { return false }
      for member in members {
        if member.value["$absent"] == true {
          if value[member.key] != nil { return false }
        } else {
          guard let found = value[member.key], match(found, member.value) else { return false }
        }
      }
      return true
    case .number(let text): if case .number(let other) = value { return Double(other) == Double(text) } else { return false }
    default: return value == pattern
    }
  }
}

/// The built-in handlers of `wscore serve`.
enum VectorApplication {
  /// With `tokens`, they are a token file; without, anyone is let in.
  static func make(tokens: [JSONValue]) -> World.Application {
    var application = World.Application()
    if !tokens.isEmpty {
      application.checksPermissions = true
      application.answer = { authenticate($0, tokens) }
    }
    for (index, name) in ["echo", "time", "direct.send", "state.get", "state.set"].enumerated() {
      application.dispatcher.on(name, HandlerID(rawValue: index))
    }
    application.handle = handle
    return application
  }

  private static func authenticate(_ question: Question, _ tokens: [JSONValue]) -> Answer {
    guard case .authenticate(_, let credential, _, _) = question else { return World.anyone(question) }
    let found = tokens.first { $0["token"]?.stringValue == credential?.reveal() }
    guard let user = found?["user"]?.stringValue, let permissions = found?["permissions"]?.arrayValue else {
      return .refused(ProtocolError("auth.failed", "the credential was refused", retry: .reauth))
    }
    return .authenticated(Principal(user: user, permissions: permissions.compactMap(\.stringValue)))
  }

  private static func handle(_ delivery: Delivery) -> HandlerOutcome {
    switch delivery.event {
    case "echo": .reply(delivery.payload)
    case "time": .reply(Array(#"{"unix_ms":0}"#.utf8))
    case "state.get": .reply(delivery.session.state ?? Array("null".utf8))
    case "state.set": .setState(delivery.payload)
    default: direct(delivery)
    }
  }

  private static func direct(_ delivery: Delivery) -> HandlerOutcome {
    guard let payload = try? JSONValue(parsing: delivery.payload), let event = payload["event"]?.stringValue else {
      return .failure(ProtocolError("payload.invalid", "to, event and payload are wanted"))
    }
    let content = (payload["payload"] ?? .null).bytes
    let version = payload["ev"]?.unsignedValue ?? 1
    if let user = payload["to"]?["user"]?.stringValue {
      return .direct(.user(user), event: event, eventVersion: version, payload: content)
    }
    guard let sid = payload["to"]?["session"]?.stringValue.flatMap({ SessionID($0) }) else {
      return .failure(ProtocolError("payload.invalid", "to names a session or a user"))
    }
    return .direct(.session(sid), event: event, eventVersion: version, payload: content)
  }
}
