/// What a room's home keeps for a while: the history, and who is away since when.
extension Shard {
  // MARK: History

  /// Keeps a message for those that come later, where the room does that.
  mutating func keep(_ message: SharedMessage, _ position: LogPosition, in home: RoomHome) {
    guard let before = home.history?.byteCount else { return }
    home.history?.append(
      message, position, now: now, available: limits.historyByteCount - min(historyBytes - before, limits.historyByteCount))
    account(home, before: before)
    // The alarm that is set may come up too early, never too late.
    if home.alarm.deadline == .never { arm(home) }
  }

  /// What a session that enters the room is told of what came before.
  mutating func recall(_ wish: HistoryWish, from home: RoomHome, _ position: LogPosition) -> Recall {
    var recall = Recall(wish, position)
    forgetExpired(home)
    if let wanted = recall.wanted, let history = home.history {
      // No outbox could take more.
      recall.messages = history.newest(min(wanted.count, limits.outbox.messageCount))
    }
    return recall
  }

  mutating func forgetExpired(_ home: RoomHome) {
    guard let before = home.history?.byteCount else { return }
    home.history?.removeExpired(now)
    account(home, before: before)
  }

  private mutating func account(_ home: RoomHome, before: Int) {
    historyBytes += (home.history?.byteCount ?? 0) - before
  }

  // MARK: Presence

  mutating func homePresence(_ room: String, _ sid: SessionID, _ change: MemberChange) {
    guard let home = openHome(room), let entry = home.members[sid] else { return }
    switch change {
    case .suspended:
      if home.presence.suspend(sid, now: now) { tellWatchers(home, entry.member, .suspended) }
      arm(home)
    case .resumed: if home.presence.resume(sid) { tellWatchers(home, entry.member, .resumed) }
    case .joined, .left: preconditionFailure("the home sees these itself")
    }
  }

  // MARK: Time

  mutating func roomIsDue(_ home: RoomHome) {
    while let sid = home.presence.popFaded(now) {
      if let entry = home.members[sid] { tellWatchers(home, entry.member, .suspended) }
    }
    closeIfEmpty(home)
    if homeSlots[home.slot] != nil { arm(home) }
  }

  /// The room's one alarm: for who is fading, and for what has been kept long enough.
  private mutating func arm(_ home: RoomHome) {
    var deadline = home.presence.nextDeadline
    if let history = home.history, !history.isEmpty {
      // Not for every single message of a busy room.
      let grain = min(1_000, history.bounds.ttlMilliseconds / 4)
      deadline = min(deadline, max(history.nextExpiry, now.advanced(byMilliseconds: grain)))
    }
    guard deadline < .never else { return home.alarm.cancel() }
    home.alarm.set(deadline, TimerKey(purpose: .room, slot: home.slot), in: &timers)
  }
}
