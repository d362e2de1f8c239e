/// Where a session is in its life, on the shard that has it: PROTOCOL.md, "A session". A session that has ended is no
/// longer there.
enum SessionPhase: ~Copyable {
  case active(connection: Slot)
  case suspended(since: Instant)
  /// On its way to another shard for `claim`: so many rooms have yet to be told.
  case moving(Claim, roomsToTell: Int)

  var connection: Slot? {
    switch self {
    case .active(let connection): connection
    default: nil
    }
  }

  var suspendedSince: Instant? {
    switch self {
    case .suspended(let since): since
    default: nil
    }
  }

  /// The connection is gone, or no longer the session's. False if there was none.
  mutating func suspend(_ now: Instant) -> Bool {
    guard connection != nil else { return false }
    self = .suspended(since: now)
    return true
  }

  mutating func attach(_ connection: Slot) -> Bool {
    guard suspendedSince != nil else { return false }
    self = .active(connection: connection)
    return true
  }

  mutating func move(_ claim: Claim, roomsToTell: Int) -> Bool {
    guard suspendedSince != nil else { return false }
    self = .moving(claim, roomsToTell: roomsToTell)
    return true
  }

  /// A room holds back what it says to the session from now on. False if the session is not moving.
  mutating func roomTold() -> Bool {
    guard let (claim, roomsToTell) = underway else { return false }
    self = .moving(claim, roomsToTell: roomsToTell - 1)
    return true
  }

  private var underway: (claim: Claim, roomsToTell: Int)? {
    switch self {
    case .moving(let claim, let roomsToTell): (claim, roomsToTell)
    default: nil
    }
  }

  /// Whether it can go: every room was told.
  var mayGo: Bool { underway?.roomsToTell == 0 }
}
