/// The sessions whose outboxes hold much, in classes by size: each class is twice as large as the one before. Who is to
/// give something up is found at once, and so is its new place.
struct OutboxRanks {
  struct Rank {
    fileprivate var level: Int
    fileprivate var place: Int
  }

  /// Smaller ones are not worth the search.
  static let leastByteCount = 4_096
  private var levels: [[Session]] = []

  /// One of the largest, within a factor of two.
  var largest: Session? { levels.last { !$0.isEmpty }?.last }

  @inline(__always) mutating func set(_ session: Session, byteCount: Int) {
    // Most are small and have no rank.
    guard byteCount >= OutboxRanks.leastByteCount || session.rank != nil else { return }
    change(session, byteCount: byteCount)
  }

  private mutating func change(_ session: Session, byteCount: Int) {
    let level = byteCount < OutboxRanks.leastByteCount
      ? nil : byteCount.bitWidth - byteCount.leadingZeroBitCount - (OutboxRanks.leastByteCount.bitWidth - OutboxRanks.leastByteCount.leadingZeroBitCount)
    guard level != session.rank?.level else { return }
    if let rank = session.rank { remove(session, rank) }
    if let level { insert(session, level) }
  }

  private mutating func insert(_ session: Session, _ level: Int) {
    while levels.count <= level { levels.append([]) }
    session.rank = Rank(level: level, place: levels[level].count)
    levels[level].append(session)
  }

  private mutating func remove(_ session: Session, _ rank: Rank) {
    let last = levels[rank.level].removeLast()
    if last !== session {
      levels[rank.level][rank.place] = last
      last.rank = rank
    }
    session.rank = nil
  }
}

/// The bytes in all outboxes, and who gives some up when they are too many.
extension Shard {
  /// Whether all outboxes together hold more than they may.
  public var isOverBudget: Bool { outboxByteCountInAll > limits.outboxTotalByteCount }

  /// Whether it is for this shard to give something up. Those that hold more than an even share make room for the others,
  /// so that a hoard on one of them costs nothing elsewhere. If they do not, since they hold replies, each helps itself.
  private var mustGiveWay: Bool {
    isOverBudget && (outboxByteCount > limits.outboxTotalByteCount / configuration.count || isFarOverBudget)
  }

  private var outboxByteCountInAll: Int { outboxByteCount + outboxByteCountElsewhere }

  /// Whether what cannot be dropped takes more than the budget and a sixteenth: what can be has given way by then, here
  /// at once and in other shards when they heard of it.
  private var isFarOverBudget: Bool {
    // The first follows from the second, and costs less to say no.
    isOverBudget && outboxByteCountInAll > limits.outboxTotalByteCount + limits.outboxTotalByteCount / 16
  }

  /// To be called after each change of a session's outbox.
  mutating func account(_ session: Session) {
    let held = session.outbox.heldByteCount
    guard held != session.accountedByteCount else { return }
    outboxByteCount += held - session.accountedByteCount
    session.accountedByteCount = held
    ranks.set(session, byteCount: session.outbox.droppableByteCount)
  }

  /// The session is no longer here.
  mutating func remove(_ session: Session) {
    #if PlantedFaults
    if Planted.isOn(.accountKeepsTheDead) { outboxByteCount += session.accountedByteCount }
    #endif
    outboxByteCount -= session.accountedByteCount
    session.accountedByteCount = 0
    // Nothing has a turn here any more, be it behind a `bye`.
    dropInbox(session)
    ranks.set(session, byteCount: 0)
    slotBySID[session.sid] = nil
    sessions.remove(session.slot)
  }

  /// One more message: into the outbox, and then within the bounds again.
  mutating func put(_ message: consuming SharedMessage, into session: Session) {
    let (before, isReply) = (session.outbox.losses, message.isReply)
    session.outbox.append(message, limits: limits.outbox)
    account(session)
    if session.outbox.losses != before { count(session.outbox.losses, since: before) }
    if isOverBudget { relieve(session, sparing: isReply ? nil : session.outbox.lastSeq) }
    watchOverrun(session)
  }

  /// Gives up what the outboxes of all shards hold too much, if it is for this one to do so: to be called when the driver
  /// has heard what the others hold.
  public mutating func makeRoom() { relieve(nil, sparing: nil) }

  /// The largest outboxes give something up, the largest first; if none is large, this one does, but for the message
  /// that it was just given.
  private mutating func relieve(_ session: Session?, sparing last: UInt64?) {
    while mustGiveWay, let victim = ranks.largest ?? session {
      #if PlantedFaults
      let victim = Planted.isOn(.innocentPaysForTheLargest) ? session ?? victim : victim
      #endif
      let before = victim.outbox.losses
      let spared = victim === session ? last : nil
      guard victim.outbox.relieve(sparing: spared, limits: limits.outbox) else { return }
      account(victim)
      count(victim.outbox.losses, since: before)
      counters.budgetDropped += victim.outbox.losses.droppedForAll - before.droppedForAll
      watchOverrun(victim)
    }
  }

  mutating func count(_ losses: OutboxLosses, since before: OutboxLosses) {
    counters.dropped += losses.dropped - before.dropped
    counters.conflated += losses.conflated - before.conflated
    counters.transientDropped += losses.transients - before.transients
  }

  /// Replies are never dropped, so whoever causes them waits: when they alone fill the outbox, and when all outboxes
  /// are full and one was not acknowledged.
  @inline(__always) func mustWait(_ session: Session) -> Bool {
    session.outbox.isFullOfReplies(limits.outbox) || (isFarOverBudget && session.outbox.hasReplies)
  }
}
