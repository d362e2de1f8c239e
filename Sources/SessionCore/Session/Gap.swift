/// What a session was not sent, named exactly: PROTOCOL.md, "gap".
public struct Gap: Equatable, Sendable {
  public enum Reason: String, Sendable {
    /// The outbox was full and its oldest messages were dropped.
    case overflow
    /// A newer message with the same key took its place.
    case conflated
    /// The receiver resumed from before what it had acknowledged.
    case trimmed
    /// A room said more than is kept while the session moved between two shards.
    case handoff
  }

  /// What is missing, whatever its numbers are.
  struct Loss: Equatable, Sendable {
    var reason: Reason
    var rooms: [String] = []
    var roomsAreComplete = true

    mutating func add(_ room: String?) {
      guard let room, !rooms.contains(where: { $0.isSameName(as: room) }) else { return }
      if rooms.count < Gap.maxRoomCount { rooms.append(room) } else { roomsAreComplete = false }
    }

    /// Both are one gap from now on. Of two reasons the graver counts: nothing newer stands for what overflowed.
    mutating func join(_ other: Loss) {
      if other.reason != reason { reason = .overflow }
      for room in other.rooms { add(room) }
      roomsAreComplete = roomsAreComplete && other.roomsAreComplete
    }
  }

  public var first: UInt64
  public var last: UInt64
  var loss: Loss

  /// Most rooms that are named; a room more than that is left out and `roomsAreComplete` is false.
  public static let maxRoomCount = 16

  init(first: UInt64, last: UInt64, loss: Loss) { (self.first, self.last, self.loss) = (first, last, loss) }

  public var count: UInt64 { last - first + 1 }
  /// Rooms whose messages are among the missing, in order of first loss.
  public var rooms: [String] { loss.rooms }
  public var roomsAreComplete: Bool { loss.roomsAreComplete }
  public var reason: Reason { loss.reason }
}

/// The rooms of which something is missing, looked at once for many rooms.
struct Holes {
  private var rooms: Set<NameKey> = []
  private var areComplete = true

  init(_ gaps: [Gap]) {
    for gap in gaps {
      rooms.formUnion(gap.rooms.map { NameKey($0) })
      areComplete = areComplete && gap.roomsAreComplete
    }
  }

  /// False if nothing of the room is missing.
  func mayConcern(_ room: String) -> Bool { !areComplete || rooms.contains(NameKey(room)) }
}
