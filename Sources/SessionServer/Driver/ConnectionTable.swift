import SessionCore

/// A driver's connections by the names that its shard gives them.
///
/// They are lent without being counted: each write looks one up, and counting takes two atomic operations in an object
/// that may be far away. Proof that what is lent lives: the table holds a connection until it is removed, and what was
/// removed until `bury`, which the driver calls when it has lent nothing.
struct ConnectionTable {
  private var places: [TransportConnection?] = []
  private var removed: [TransportConnection] = []

  var all: [TransportConnection] { places.compactMap { $0 } }

  mutating func insert(_ connection: TransportConnection, _ slot: Slot) {
    let index = Int(slot.index)
    while places.count <= index { places.append(nil) }
    places[index] = connection
  }

  mutating func remove(_ slot: Slot) {
    let index = Int(slot.index)
    if index < places.count, let connection = places[index].take() { removed.append(connection) }
  }

  mutating func bury() {
    if !removed.isEmpty { removed = [] }
  }

  mutating func dropSpareRoom() {
    bury()
    if places.allSatisfy({ $0 == nil }) { places = [] }
  }

  subscript(slot: Slot) -> TransportConnection? { lend(slot)?.takeUnretainedValue() }

  /// The connection, not counted: good until `bury`. Nil if it has left the shard.
  func lend(_ slot: Slot) -> Unmanaged<TransportConnection>? {
    guard let connection = place(slot), connection._withUnsafeGuaranteedRef({ $0.slot == slot }) else { return nil }
    return connection
  }

  // MARK: What is to come

  /// The connection will be written to after `Prefetch.far` others.
  func approachFar(_ slot: Slot) { place(slot)?._withUnsafeGuaranteedRef { $0.prefetch() } }

  /// The connection will be written to after `Prefetch.near` others.
  func approachNear(_ slot: Slot) { place(slot)?._withUnsafeGuaranteedRef { $0.prefetchSocket() } }

  /// Who has the slot's place, now or since it was the slot's.
  private func place(_ slot: Slot) -> Unmanaged<TransportConnection>? {
    let index = Int(slot.index)
    guard index < places.count else { return nil }
    return places[index].map { Unmanaged.passUnretained($0) }
  }
}
