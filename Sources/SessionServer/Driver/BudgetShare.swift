import SessionCore

/// One shard's part in the budget that all have for their outboxes: each tells what it holds and hears what the others do,
/// once a tick.
struct BudgetShare {
  /// What the other shards know of our outboxes.
  private var toldByteCount = 0

  /// Who has made it too much gives way, if it is for this shard to do so. True if the others are to be asked to make
  /// room: it was us, and we hold no more than our share.
  mutating func settle(_ shard: inout Shard, _ services: Services) -> Bool {
    let told = toldByteCount
    tell(&shard, services)
    guard shard.isOverBudget else { return false }
    shard.makeRoom()
    tell(&shard, services)
    return shard.isOverBudget && toldByteCount > told
  }

  private mutating func tell(_ shard: inout Shard, _ services: Services) {
    let own = shard.outboxByteCount
    // What all loops share is not written without need.
    let all = own == toldByteCount
      ? services.outboxByteCount.load(ordering: .relaxed)
      : services.outboxByteCount.wrappingAdd(own - toldByteCount, ordering: .relaxed).newValue
    toldByteCount = own
    shard.outboxByteCountElsewhere = all - own
  }
}
