import DequeModule

/// A room at its home shard: who is in it, and the order of what is said in it. It knows sessions and the shards that
/// they are on, never a connection.
final class RoomHome {
  struct Entry {
    var member: Member
    /// What the room says while the member is between two shards, nil while it stands on one.
    var held: Held?
  }

  /// What waits for the log's answer.
  enum Pending {
    case open
    case append(RoomEvent, ReplyTo?)
  }

  let name: String
  let slot: Slot
  /// Nil until the log has told where it stands.
  var position: LogPosition?
  private(set) var members: [SessionID: Entry] = [:]
  /// Members on each shard, and those of them that want `member` events.
  private(set) var memberCounts: [Int]
  private(set) var watcherCounts: [Int]
  private(set) var heldCount = 0
  var pending: Deque<Pending> = [.open]
  /// Operations that came before the log had answered for the first time.
  var waiting: [ShardMessage] = []
  /// Nil where nothing is kept.
  var history: RoomHistory?
  var presence: RoomPresence
  var alarm = Alarm()

  init(name: String, slot: Slot, shardCount: Int, _ policy: RoomPolicy, graceMilliseconds: UInt64) {
    (self.name, self.slot) = (name, slot)
    history = policy.history.map(RoomHistory.init)
    presence = RoomPresence(graceMilliseconds: policy.presenceGraceMilliseconds ?? graceMilliseconds)
    memberCounts = Array(repeating: 0, count: shardCount)
    watcherCounts = Array(repeating: 0, count: shardCount)
  }

  /// False if it was in already; then only its wish for presence may have changed.
  func join(_ member: Member) -> Bool {
    let isNew = members[member.sid] == nil
    if let old = members[member.sid] { count(old, by: -1) }
    let entry = Entry(member: member, held: nil)
    members[member.sid] = entry
    count(entry, by: 1)
    return isNew
  }

  func leave(_ sid: SessionID) -> Member? {
    guard let entry = members.removeValue(forKey: sid) else { return nil }
    count(entry, by: -1)
    presence.leave(sid)
    return entry.member
  }

  func unhook(_ sid: SessionID, _ held: Held) {
    guard var entry = members[sid], entry.held == nil else { return }
    count(entry, by: -1)
    entry.held = held
    members[sid] = entry
    count(entry, by: 1)
  }

  func rehook(_ sid: SessionID, shard: Int) -> Held? {
    guard var entry = members[sid], let held = entry.held else { return nil }
    count(entry, by: -1)
    entry.held = nil
    entry.member.shard = shard
    members[sid] = entry
    count(entry, by: 1)
    return held
  }

  /// Keeps a message for those that are between two shards.
  func hold(_ message: SharedMessage, _ position: LogPosition?, for isMeant: (Member) -> Bool, limit: Int) {
    #if PlantedFaults
    if Planted.isOn(.missedWhileMoving) { return }
    #endif
    guard heldCount > 0 else { return }
    for (sid, entry) in members {
      guard var held = entry.held, isMeant(entry.member) else { continue }
      held.messages.append(message)
      if held.messages.count > limit {
        held.messages.removeFirst()
        held.lostCount += 1
      }
      held.position = position ?? held.position
      members[sid]?.held = held
    }
  }

  private func count(_ entry: Entry, by change: Int) {
    guard entry.held == nil else {
      heldCount += change
      return
    }
    memberCounts[entry.member.shard] += change
    if entry.member.wantsPresence { watcherCounts[entry.member.shard] += change }
  }
}
