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

/// Lets a principal into the rooms that its permissions name: `*` for every room, `join:lobby` for one, `join:team-*`
/// for all that begin so.
public struct PermissionAuthorizer: ImmediateRoomAuthorizer {
  public init() {}

  public func authorizeAtOnce(_ principal: Principal, toJoin room: String, as session: SessionID) throws {
    guard principal.permissions.contains(where: { PermissionAuthorizer.permission($0, allows: room) }) else {
      throw ProtocolError("room.forbidden", "no permission to join \"\(room)\"")
    }
  }

  static func permission(_ permission: String, allows room: String) -> Bool {
    if permission == "*" { return true }
    guard permission.hasPrefix("join:") else { return false }
    let pattern = permission.utf8.dropFirst(5)
    guard pattern.last == UInt8(ascii: "*") else { return pattern.elementsEqual(room.utf8) }
    return room.utf8.starts(with: pattern.dropLast())
  }
}
