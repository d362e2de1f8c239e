import SessionCore

/// Reads the members of an object that comes from a backend, and says at which path it is wrong.
package struct JSONFields {
  package struct Fault: Error, Equatable, CustomStringConvertible {
    /// As in `to.user`; empty for the value itself.
    package var path: String
    package var reason: String

    package init(_ path: String, _ reason: String) { (self.path, self.reason) = (path, reason) }

    package var description: String { path.isEmpty ? "the body \(reason)" : "\(path) \(reason)" }
  }

  private let members: [JSONValue.Member]
  private let path: String

  /// - Parameter known: the members that may be there; a misspelt one is not to be passed over.
  package init(_ value: JSONValue, at path: String = "", known: Set<String>) throws(Fault) {
    guard case .object(let members) = value else { throw Fault(path, "is not an object") }
    (self.members, self.path) = (members, path)
    if let other = members.first(where: { !known.contains($0.key) }) {
      throw Fault(place(other.key.cut(toByteCount: 64)), "is not known here")
    }
  }

  package init(parsing bytes: [UInt8], known: Set<String>) throws(Fault) {
    let value: JSONValue
    do throws(Malformed) {
      value = try JSONValue(parsing: bytes)
    } catch {
      throw Fault("", "is not JSON: \(error.reason), at byte \(error.offset)")
    }
    try self.init(value, known: known)
  }

  package func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// Nil if it is not there, or null.
  package func value(_ name: String) -> JSONValue? {
    members.first { $0.key == name }.flatMap { $0.value == .null ? nil : $0.value }
  }

  /// A null counts as a value.
  package func payload(_ name: String = "payload") throws(Fault) -> [UInt8] {
    guard let member = members.first(where: { $0.key == name }) else { throw Fault(place(name), "is missing") }
    return member.value.bytes
  }

  package func string(_ name: String, maxByteCount: Int) throws(Fault) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.stringValue else { throw Fault(place(name), "is not a string") }
    guard 1...maxByteCount ~= text.utf8.count else { throw Fault(place(name), "has not 1 to \(maxByteCount) bytes") }
    return text
  }

  /// One of the names of rooms, users and keys: no control characters.
  package func name(_ name: String, maxByteCount: Int = 128) throws(Fault) -> String? {
    guard let text = try string(name, maxByteCount: maxByteCount) else { return nil }
    guard !text.hasControlCharacter else { throw Fault(place(name), "has a control character") }
    return text
  }

  package func required(_ name: String) throws(Fault) -> String {
    guard let text = try self.name(name) else { throw Fault(place(name), "is missing") }
    return text
  }

  package func eventName() throws(Fault) -> String {
    let event = try required("event")
    guard EventName.isValid(event) else { throw Fault(place("event"), "is no name like order.created") }
    return event
  }

  package func number(_ name: String) throws(Fault) -> UInt64? {
    guard let value = value(name) else { return nil }
    guard let number = value.unsignedValue else { throw Fault(place(name), "is not a whole number from 0 to 2^53-1") }
    return number
  }

  /// `ev`, 1 if it is not there.
  package func eventVersion() throws(Fault) -> UInt64 {
    guard let version = try number("ev") else { return 1 }
    guard version > 0 else { throw Fault(place("ev"), "is not a number from 1") }
    return version
  }

  package func flag(_ name: String) throws(Fault) -> Bool {
    guard let value = value(name) else { return false }
    guard let flag = value.boolValue else { throw Fault(place(name), "is neither true nor false") }
    return flag
  }

  package func names(_ name: String, count: Int, maxByteCount: Int = 128) throws(Fault) -> [String]? {
    guard let value = value(name) else { return nil }
    guard let elements = value.arrayValue else { throw Fault(place(name), "is not a list") }
    guard elements.count <= count else { throw Fault(place(name), "has more than \(count) elements") }
    var names: [String] = []
    for (index, element) in elements.enumerated() {
      guard let text = element.stringValue, 1...maxByteCount ~= text.utf8.count, !text.hasControlCharacter else {
        throw Fault("\(place(name))[\(index)]", "is no name of 1 to \(maxByteCount) bytes")
      }
      names.append(text)
    }
    return names
  }

  /// Exactly one of `session` and `user`.
  package func target() throws(Fault) -> Target {
    switch (try name("session"), try name("user")) {
    case (let sid?, nil):
      guard let sid = SessionID(sid) else { throw Fault(place("session"), "is no session id") }
      return .session(sid)
    case (nil, let user?): return .user(user)
    default: throw Fault(path, "names not exactly one of session and user")
    }
  }
}
