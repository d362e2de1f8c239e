/// Where a connection is in its life: PROTOCOL.md, "A connection, as the server sees it". Each event is one method; an
/// event that does not fit the state changes nothing and says so.
enum ConnectionPhase: ~Copyable {
  case awaitingHello
  /// A hook was asked who it is; only the answer with this serial counts.
  case authenticating(serial: UInt64)
  /// The session that it wants is being looked for.
  case claiming
  /// A hook was asked what the application knows of a session that is gone.
  case restoring(serial: UInt64)
  case active(session: Slot)
  /// Whatever comes is thrown away until the transport is gone.
  case closing

  /// The state without what it holds.
  enum Stage {
    case awaitingHello, authenticating, claiming, restoring, active, closing
  }

  /// What a hook was asked.
  enum Asked {
    case whoItIs
    case whatIsKnown
  }

  /// What the end of the connection means.
  enum Closed: Equatable {
    case already
    case unattached
    case attached(session: Slot)
  }

  var stage: Stage {
    switch self {
    case .awaitingHello: .awaitingHello
    case .authenticating: .authenticating
    case .claiming: .claiming
    case .restoring: .restoring
    case .active: .active
    case .closing: .closing
    }
  }

  var session: Slot? {
    switch self {
    case .active(let session): session
    default: nil
    }
  }

  /// `hello` came, and the authenticator is asked under `serial`.
  mutating func greet(_ serial: UInt64) -> Bool {
    guard stage == .awaitingHello else { return false }
    self = .authenticating(serial: serial)
    return true
  }

  /// A hook answered: nil if nobody asked, or no longer.
  mutating func answer(_ serial: UInt64) -> Asked? {
    let asked: Asked
    switch self {
    case .authenticating(serial): asked = .whoItIs
    case .restoring(serial): asked = .whatIsKnown
    default: return nil
    }
    self = .claiming
    return asked
  }

  /// The restorer did not answer in time. False if it was not asked.
  mutating func giveUpRestoring() -> Bool {
    guard stage == .restoring else { return false }
    self = .claiming
    return true
  }

  /// The session is not to be had, and the restorer is asked under `serial`.
  mutating func restore(_ serial: UInt64) -> Bool {
    guard stage == .claiming else { return false }
    self = .restoring(serial: serial)
    return true
  }

  /// It carries a session from now on.
  mutating func attach(_ session: Slot) -> Bool {
    guard stage == .claiming else { return false }
    self = .active(session: session)
    return true
  }

  mutating func close() -> Closed {
    let closed: Closed
    switch self {
    case .closing: closed = .already
    case .active(let session): closed = .attached(session: session)
    default: closed = .unattached
    }
    self = .closing
    return closed
  }
}
