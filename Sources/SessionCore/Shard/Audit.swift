/// What a checker of the core may look at, between two steps. Numbers only, so that looking costs little.
package struct SessionProbe: Sendable {
  package let slot: Slot
  package let sid: SessionID
  package let connection: Slot?
  package let suspendedSince: Instant?
  package let version: UInt64
  package let epoch: UInt64
  package let generation: UInt64
  package let ttlMilliseconds: UInt64
  package let lastIn: UInt64
  package let receivedIn: UInt64
  package let acked: UInt64
  package let lastSent: UInt64
  package let lastSeq: UInt64
  package let messageCount: Int
  package let droppableByteCount: Int
  package let heldByteCount: Int
  package let hasUnsent: Bool
  package let droppedForAll: UInt64
  package let isFullOfReplies: Bool
  package let inboxCount: Int
  package let inboxByteCount: Int
  package let isBusy: Bool
  package let isClaimed: Bool
  package let isArriving: Bool
  package let membershipCount: Int
  package let isWatched: Bool

  fileprivate init(_ session: Session, _ limits: Limits) {
    (slot, sid, connection) = (session.slot, session.sid, session.connection)
    (suspendedSince, version, epoch) = (session.phase.suspendedSince, session.version, session.epoch)
    (generation, ttlMilliseconds) = (session.generation, session.ttlMilliseconds)
    (lastIn, receivedIn) = (session.lastIn, session.receivedIn)
    (acked, lastSent, lastSeq) = (session.outbox.ackedSeq, session.outbox.lastSentSeq, session.outbox.lastSeq)
    (messageCount, droppableByteCount) = (session.outbox.messageCount, session.outbox.droppableByteCount)
    (heldByteCount, hasUnsent) = (session.outbox.heldByteCount, session.outbox.hasUnsent)
    droppedForAll = session.outbox.losses.droppedForAll
    isFullOfReplies = session.outbox.isFullOfReplies(limits.outbox)
    (inboxCount, inboxByteCount, isBusy) = (session.inboxCount, session.inboxByteCount, session.busy != nil)
    isClaimed = session.heldClaim != nil || (session.phase.suspendedSince == nil && session.connection == nil)
    (isArriving, membershipCount) = (session.arrival != nil, session.memberships.count)
    isWatched = session.expiry.deadline < .never
  }
}

/// A room as its home has it, and as the shards that have members of it do.
package struct RoomAudit: Sendable {
  package var name: String
  package var members: [SessionID]
  package var position: LogPosition?
  package var isWaiting: Bool
  package var historyCount: Int
  package var historyByteCount: Int
}

/// How much of everything a shard holds.
package struct ShardAudit: Sendable, Equatable {
  package var connections = 0
  package var sessions = 0
  package var sessionsByID = 0
  package var activeSessions = 0
  package var localRooms = 0
  package var registered = 0
  package var waitingClaims = 0
  package var users = 0
  package var homes = 0
  package var historyBytes = 0
  package var pendingHellos = 0
  package var restoresOpen = 0
  package var outboxBytes = 0
  package var tombstones = 0

  package init() {}
}

extension Shard {
  package func probe(connection slot: Slot) -> SessionProbe? {
    guard let session = connections[slot]?.session.flatMap({ sessions[$0] }) else { return nil }
    return SessionProbe(session, limits)
  }

  package func probe(session sid: SessionID) -> SessionProbe? {
    slotBySID[sid].flatMap { sessions[$0] }.map { SessionProbe($0, limits) }
  }

  package var probes: [SessionProbe] { sessions.all.map { SessionProbe($0.element, limits) } }

  /// The rooms of a session; those that it is about to enter are left out.
  package func rooms(of sid: SessionID) -> [String] {
    guard let session = slotBySID[sid].flatMap({ sessions[$0] }) else { return [] }
    return session.memberships.filter { $0.index != nil }.map(\.name)
  }

  /// Of the members that a room has on this shard.
  package func localMembers(of room: String) -> [SessionID] {
    localRooms[room]?.members.compactMap { sessions[$0]?.sid } ?? []
  }

  package var localRoomNames: [String] { localRooms.pairs.map(\.name).sorted() }

  package var roomAudits: [RoomAudit] {
    homeSlots.all.map { _, home in
      RoomAudit(
        name: home.name, members: home.members.keys.sorted(), position: home.position,
        isWaiting: !home.pending.isEmpty, historyCount: home.history?.messageCount ?? 0,
        historyByteCount: home.history?.byteCount ?? 0)
    }
  }

  /// Which shard a registrar holds for the owner; nil for a session that it does not know, or that is claimed.
  package func registeredOwner(of sid: SessionID) -> Int? {
    guard let entry = registry[sid], entry.claim == nil else { return nil }
    return entry.owner
  }

  package var budgetDroppedCount: UInt64 { counters.budgetDropped }

  package func controlCount(of slot: Slot) -> Int { connections[slot]?.control.count ?? 0 }

  package var audit: ShardAudit {
    var audit = ShardAudit()
    (audit.connections, audit.sessions, audit.sessionsByID) = (connections.count, sessions.count, slotBySID.count)
    (audit.activeSessions, audit.localRooms, audit.registered) = (activeSessionCount, localRooms.count, registry.count)
    audit.waitingClaims = registry.values.reduce(0) { max($0, $1.waiting.lazy.filter(\.isClaim).count) }
    (audit.users, audit.homes, audit.historyBytes) = (users.count, homeSlots.count, historyBytes)
    (audit.pendingHellos, audit.restoresOpen) = (helloGate.pendingCount, restoresOpen)
    (audit.outboxBytes, audit.tombstones) = (outboxByteCount, tombstones.count)
    return audit
  }
}

extension RegistryEntry.Waiting {
  fileprivate var isClaim: Bool { if case .claim = self { true } else { false } }
}
