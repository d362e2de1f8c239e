/// Where a connection is in its life: PROTOCOL.md, "A connection, as the server sees it". Each event is one method; an
/// event that does not fit the state changes nothing and says so.
enum ConnectionPhase: ~Copyable {
  case awaitingHello
  /// A hook was asked who it is; only the answer with this serial counts.
  case authenticating(serial: UInt64)
  /// The session that it wants is being looked for.
  case claiming
  /// The session is gone, and the application is to be asked of it when others have their answers.
  case queuedToRestore
  /// A hook was asked what the application knows of a session that is gone.
  case restoring(serial: UInt64)
  /// A session was made for it and enters the rooms that the application named.
  case entering(session: Slot)
  case active(session: Slot)
  /// Whatever comes is thrown away until the transport is gone.
  case closing

  /// The state without what it holds.
  enum Stage {
    case awaitingHello, authenticating, claiming, queuedToRestore, restoring, entering, active, closing
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
    /// The answer to its question is waited for no longer.
    case restoring
    case entering(session: Slot)
    case attached(session: Slot)
  }

  var stage: Stage {
    switch self {
    case .awaitingHello: .awaitingHello
    case .authenticating: .authenticating
    case .claiming: .claiming
    case .queuedToRestore: .queuedToRestore
    case .restoring: .restoring
    case .entering: .entering
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

  var entering: Slot? {
    switch self {
    case .entering(let session): session
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

  /// The session is not to be had, and the restorer has enough to do.
  mutating func queueToRestore() -> Bool {
    guard stage == .claiming else { return false }
    self = .queuedToRestore
    return true
  }

  /// The session is not to be had, and the restorer is asked under `serial`.
  mutating func restore(_ serial: UInt64) -> Bool {
    guard stage == .claiming || stage == .queuedToRestore else { return false }
    self = .restoring(serial: serial)
    return true
  }

  /// The session made for it enters its rooms.
  mutating func enter(_ session: Slot) -> Bool {
    guard stage == .claiming else { return false }
    self = .entering(session: session)
    return true
  }

  /// It carries a session from now on.
  mutating func attach(_ session: Slot) -> Bool {
    guard stage == .claiming || entering == session else { return false }
    self = .active(session: session)
    return true
  }

  mutating func close() -> Closed {
    let closed: Closed
    switch self {
    case .closing: closed = .already
    case .active(let session): closed = .attached(session: session)
    case .entering(let session): closed = .entering(session: session)
    case .restoring: closed = .restoring
    default: closed = .unattached
    }
    self = .closing
    return closed
  }
}
