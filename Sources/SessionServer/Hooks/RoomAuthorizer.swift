import SessionCore

/// Decides whether a session may enter a room.
public protocol RoomAuthorizer: Sendable {
  /// - Throws: a `ProtocolError` with code `room.forbidden` to refuse. Any other error is logged and told to the client
  ///   as a fault of the server.
  func authorize(_ principal: Principal, toJoin room: String, as session: SessionID) async throws
}

/// One that needs to wait for nothing: it is asked on the event loop and must return at once.
public protocol ImmediateRoomAuthorizer: RoomAuthorizer {
  func authorizeAtOnce(_ principal: Principal, toJoin room: String, as session: SessionID) throws
}

extension ImmediateRoomAuthorizer {
  public func authorize(_ principal: Principal, toJoin room: String, as session: SessionID) async throws {
    try authorizeAtOnce(principal, toJoin: room, as: session)
  }
}
