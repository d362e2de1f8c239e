import NIOCore
import SessionCore

/// The events that make a server useful by itself: PROTOCOL.md, "Built-in events".
extension SessionServer {
  /// Registers all of them but those that the application handles itself.
  public func addBuiltins(except names: Set<String> = []) {
    exemptFromRules(Set(Builtins.all.map(\.event)).subtracting(names))
    for builtin in Builtins.all where !names.contains(builtin.event) { on(builtin.event, builtin.handler) }
  }
}

enum Builtins {
  /// A type of its own: a closure that stands in a generic one is called through two thunks.
  struct Builtin: Sendable {
    let event: String
    let handler: Handler
  }

  static let all = [
    Builtin(event: "echo") { event, _ in .reply(event.payload) },
    Builtin(event: "time") { _, _ in .reply(time()) },
    Builtin(event: "state.get") { _, session in .reply(session.state ?? Array("null".utf8)) },
    Builtin(event: "state.set") { event, _ in .setState(event.payload) },
    Builtin(event: "direct.send") { event, _ in try direct(event.payload) },
  ]

  static func time() -> [UInt8] { JSONValue.object([.init("unix_ms", .int(WallClock.milliseconds()))]).bytes }

  static func direct(_ payload: [UInt8]) throws -> HandlerOutcome {
    let json = try? JSONValue(parsing: payload)
    guard let json, json.isObject else { throw ProtocolError.invalidPayload(at: "", "an object expected") }
    guard let event = try member("event", of: json).stringValue, EventName.isValid(event) else {
      throw ProtocolError.invalidPayload(at: "/event", "a name like \"note.new\" of at most 128 bytes expected")
    }
    let content = try member("payload", of: json)
    let version = try version(json["ev"])
    return .direct(try target(try member("to", of: json)), event: event, eventVersion: version, payload: content.bytes)
  }

  private static func member(_ name: String, of json: JSONValue) throws -> JSONValue {
    guard let member = json[name] else { throw ProtocolError.invalidPayload(at: "", "the member \"\(name)\" is missing") }
    return member
  }

  private static func version(_ json: JSONValue?) throws -> UInt64 {
    guard let json, json != .null else { return 1 }
    guard let version = json.unsignedValue, version > 0 else {
      throw ProtocolError.invalidPayload(at: "/ev", "a whole number from 1 to 2^53-1 expected")
    }
    return version
  }

  private static var invalidTarget: ProtocolError {
    .invalidPayload(at: "/to", "{\"session\":\"s_…\"} or {\"user\":\"…\"} expected")
  }

  private static func target(_ json: JSONValue) throws -> Target {
    let (session, user) = (json["session"] ?? .null, json["user"] ?? .null)
    if session == .null, let user = user.stringValue { return .user(user) }
    guard user == .null, let session = session.stringValue else { throw invalidTarget }
    guard let sid = SessionID(session) else {
      throw ProtocolError("direct.unknown", "there is no such session", retry: .later)
    }
    return .session(sid)
  }
}
