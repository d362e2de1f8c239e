import SessionCore

/// Which sessions an operator wants to see.
package struct SessionFilter: Equatable, Sendable {
  package enum State: String, Sendable { case active, suspended }

  package var room: String?
  package var user: String?
  package var state: State?
  package var limit: Int?

  package init(_ request: HTTPRequest) throws(HTTPFault) {
    room = request.parameters["room"]
    user = request.parameters["user"]
    limit = try request.count("limit")
    guard let state = request.parameters["state"] else { return }
    guard let known = State(rawValue: state) else { throw .invalid("state is active or suspended") }
    self.state = known
  }

  func includes(_ session: SessionSnapshot) -> Bool {
    (room.map { session.rooms.contains($0) } ?? true) && (user.map { $0 == session.user } ?? true)
      && (state.map { $0 == session.state } ?? true)
  }
}

extension SessionSnapshot {
  var state: SessionFilter.State { connection == nil ? .suspended : .active }
}
