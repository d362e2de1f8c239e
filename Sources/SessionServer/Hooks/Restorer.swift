import SessionCore

/// What an application still knows of a session that the server has lost.
public struct RestoredSession: Sendable {
  /// JSON text, nil for none.
  public var state: [UInt8]?
  public var rooms: [String]

  public init(state: [UInt8]? = nil, rooms: [String] = []) { (self.state, self.rooms) = (state, rooms) }
}

/// Asked when a client wants a session that is gone and begins a new one.
public protocol Restorer: Sendable {
  /// Nil begins the session empty. An error is logged and does the same.
  func restore(_ principal: Principal, previous: SessionID) async throws -> RestoredSession?
}

/// Told what happens to connections, sessions and rooms. Called on event loops: it must not wait.
public protocol LifecycleObserver: Sendable {
  func observe(_ event: LifecycleEvent)
}
