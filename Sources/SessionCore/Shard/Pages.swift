/// Some entries of a long list, and the place where the next ones begin; nil at its end.
public struct Page<Item: Sendable>: Sendable {
  public var items: [Item]
  public var next: Int?

  public init(items: [Item], next: Int?) { (self.items, self.next) = (items, next) }
}

/// A room in a list.
public struct RoomSummary: Sendable {
  public var name: String
  public var memberCount: Int
  public var position: LogPosition
}

/// Lists in pieces, so that no shard is held up by a long one. An entry that comes or goes between two pages may be
/// missed; one that stays is not.
extension Shard {
  public func sessions(now: Instant, from place: Int, limit: Int) -> Page<SessionSnapshot> {
    let page = sessions.page(from: place, limit: limit)
    return Page(items: page.items.map { snapshot($0, now) }, next: page.next)
  }

  /// The rooms whose home is this shard.
  public func roomSummaries(from place: Int, limit: Int) -> Page<RoomSummary> {
    let page = homeSlots.page(from: place, limit: limit)
    let rooms = page.items.compactMap { home in
      home.position.map { RoomSummary(name: home.name, memberCount: home.members.count, position: $0) }
    }
    return Page(items: rooms, next: page.next)
  }
}

extension SlotArray {
  /// The live elements of at most `limit` of them from a place on.
  func page(from place: Int, limit: Int) -> (items: [Element], next: Int?) {
    var items: [Element] = []
    var index = place
    while index < capacity, items.count < limit {
      if let element = element(at: index) { items.append(element) }
      index += 1
    }
    return (items, index < capacity ? index : nil)
  }
}
