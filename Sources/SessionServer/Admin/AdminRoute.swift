import SessionCore
import WebSocketFrames

/// What an operator can ask for: contract of the admin API, version 1.
package enum AdminRoute: Equatable {
  case sessions(SessionFilter)
  case session(SessionID)
  case kick(SessionID, reason: String)
  /// Ask the session's client to come back on a new connection.
  case advise(SessionID, afterMilliseconds: UInt64)
  case drain(overMilliseconds: UInt64)
  case undrain
  case kickUser(String, reason: String)
  case rooms(limit: Int?)
  case room(String)
  case stats
  case events(follows: Bool)
  case metrics
  case health
  case readiness

  package struct Fault: Error, Equatable {
    package var status: Int
    package var text: String
  }

  package init(method: String, path: String, query: String?) throws(Fault) {
    let parameters = try AdminRoute.parameters(query)
    let segments = path.utf8.split(separator: UInt8(ascii: "/")).map { PercentCoding.decode(Substring($0)) }
    let words = segments.compactMap { $0 }
    guard words.count == segments.count else { throw Fault(status: 400, text: "malformed path") }
    guard method == "GET" else {
      self = try AdminRoute.action(method, words, parameters)
      return
    }
    switch (words.first, words.dropFirst().first, words.count) {
    case ("metrics", nil, _): self = .metrics
    case ("healthz", nil, _): self = .health
    case ("readyz", nil, _): self = .readiness
    case ("v1", "sessions", 2): self = .sessions(try SessionFilter(parameters))
    case ("v1", "sessions", 3):
      self = .session(try AdminRoute.sid(words[2]))
    case ("v1", "users", 3): throw Fault(status: 405, text: "a user can only be deleted; see /v1/sessions?user=")
    case ("v1", "rooms", 2): self = .rooms(limit: try AdminRoute.limit(parameters))
    case ("v1", "rooms", 3): self = .room(words[2])
    case ("v1", "stats", 2): self = .stats
    case ("v1", "events", 2): self = .events(follows: parameters["follow"] == "1")
    default: throw Fault(status: 404, text: "nothing is here")
    }
  }

  /// What changes something.
  private static func action(
    _ method: String, _ words: [String], _ parameters: [String: String]
  ) throws(Fault) -> AdminRoute {
    let path = words.first == "v1" ? words.dropFirst().first : nil
    let reason = parameters["reason"] ?? "ended by an operator"
    switch (method, path, words.count) {
    case ("DELETE", "sessions", 3): return .kick(try sid(words[2]), reason: reason)
    case ("DELETE", "users", 3): return .kickUser(words[2], reason: reason)
    case ("POST", "sessions", 4) where words[3] == "advise":
      return .advise(try sid(words[2]), afterMilliseconds: try milliseconds("after_ms", parameters))
    case ("POST", "drain", 2): return .drain(overMilliseconds: try milliseconds("over_ms", parameters))
    case ("DELETE", "drain", 2): return .undrain
    default: throw Fault(status: 405, text: "this cannot be done with \(method)")
    }
  }

  private static func sid(_ text: String) throws(Fault) -> SessionID {
    guard let sid = SessionID(text) else { throw Fault(status: 400, text: "not a session id") }
    return sid
  }

  private static func milliseconds(_ name: String, _ parameters: [String: String]) throws(Fault) -> UInt64 {
    guard let text = parameters[name] else { return 0 }
    guard text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = UInt64(text), number <= 86_400_000 else {
      throw Fault(status: 400, text: "\(name) is a number of milliseconds, at most a day")
    }
    return number
  }

  private static func parameters(_ query: String?) throws(Fault) -> [String: String] {
    var parameters: [String: String] = [:]
    for pair in (query ?? "").split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = PercentCoding.decode(parts[0]), let value = PercentCoding.decode(parts.count > 1 ? parts[1] : "")
      else { throw Fault(status: 400, text: "malformed query") }
      parameters[name] = value
    }
    return parameters
  }

  static func limit(_ parameters: [String: String]) throws(Fault) -> Int? {
    guard let text = parameters["limit"] else { return nil }
    guard let limit = Int(text), limit >= 0 else { throw Fault(status: 400, text: "limit is a number from 0") }
    return limit
  }
}

/// Which sessions an operator wants to see.
package struct SessionFilter: Equatable, Sendable {
  package enum State: String, Sendable { case active, suspended }

  package var room: String?
  package var user: String?
  package var state: State?
  package var limit: Int?

  init(_ parameters: [String: String]) throws(AdminRoute.Fault) {
    room = parameters["room"]
    user = parameters["user"]
    limit = try AdminRoute.limit(parameters)
    guard let state = parameters["state"] else { return }
    guard let known = State(rawValue: state) else {
      throw AdminRoute.Fault(status: 400, text: "state is active or suspended")
    }
    self.state = known
  }

  func includes(_ session: SessionSnapshot) -> Bool {
    (room.map { room in session.rooms.contains { $0.isSameName(as: room) } } ?? true)
      && (user.map { $0.isSameName(as: session.user) } ?? true)
      && (state.map { $0 == session.state } ?? true)
  }
}

extension SessionSnapshot {
  var state: SessionFilter.State { connection == nil ? .suspended : .active }
}
