import NIOCore
import SessionCore

/// The events that make a server useful by itself: PROTOCOL.md, "Built-in events".
extension SessionServer {
  /// Registers all of them.
  public func addBuiltins() {
    on("echo") { event, _ in .reply(event.payload) }
    on("time") { _, _ in .reply(Builtins.time()) }
    on("state.get") { _, session in .reply(session.state ?? Array("null".utf8)) }
    on("state.set") { event, _ in .setState(event.payload) }
    on("direct.send") { event, _ in try Builtins.direct(event.payload) }
  }
}

enum Builtins {
  static func time() -> [UInt8] { JSONValue.object([.init("unix_ms", .int(WallClock.milliseconds()))]).bytes }

  static func direct(_ payload: [UInt8]) throws -> HandlerOutcome {
    let json = try? JSONValue(parsing: payload)
    guard let json, json.isObject else { throw ProtocolError.invalidPayload("an object is expected") }
    guard let event = json["event"]?.stringValue, EventName.isValid(event) else {
      throw ProtocolError.invalidPayload("event is a name like \"note.new\" of at most 128 bytes")
    }
    guard let content = json["payload"] else { throw ProtocolError.invalidPayload("payload is missing") }
    return .direct(try target(json["to"]), event: event, eventVersion: 1, payload: content.bytes)
  }

  private static func target(_ json: JSONValue?) throws -> Target {
    guard case .object(let members)? = json, members.count == 1, let name = members[0].value.stringValue else {
      throw ProtocolError.invalidPayload("to is {\"session\":\"s_…\"} or {\"user\":\"…\"}")
    }
    switch members[0].key {
    case "session":
      guard let sid = SessionID(name) else {
        throw ProtocolError("direct.unknown", "there is no such session", retry: .later)
      }
      return .session(sid)
    case "user": return .user(name)
    default: throw ProtocolError.invalidPayload("to is {\"session\":\"s_…\"} or {\"user\":\"…\"}")
    }
  }
}

enum EventName {
  /// `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 128 bytes.
  static func isValid(_ name: String) -> Bool {
    let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return name.utf8.count <= 128
      && parts.allSatisfy { part in
        !part.isEmpty
          && part.allSatisfy { 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "_") }
      }
  }
}
