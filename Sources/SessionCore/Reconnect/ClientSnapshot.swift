/// Where a client stands with its session, for people and reports. Holds no secret.
public struct ClientSnapshot: Sendable {
  public var phase: ClientSession.Phase
  public var version: UInt64?
  public var sid: String?
  public var user: String?
  public var epoch: String?
  public var generation: UInt64
  public var ttlMilliseconds: UInt64
  /// Highest number that came, and up to where it may be acknowledged.
  public var lastIn: UInt64
  public var processed: UInt64
  /// Highest number that went out, and up to where the server has acknowledged.
  public var lastSent: UInt64
  public var acked: UInt64
  public var unackedCount: Int
  public var queuedCount: Int
  public var rooms: [WelcomeNotice.Room]
  /// What the server lets us have under way.
  public var window: Window
  public var counters: ClientCounters
}

extension ClientSession {
  public var snapshot: ClientSnapshot {
    ClientSnapshot(
      phase: phase, version: identity?.version, sid: identity?.sid, user: identity?.user, epoch: identity?.epoch,
      generation: identity?.generation ?? 0, ttlMilliseconds: identity?.ttlMilliseconds ?? 0, lastIn: lastIn,
      processed: processed, lastSent: lastSent, acked: acked, unackedCount: unackedCount, queuedCount: queuedCount,
      rooms: rooms.entries.map {
        WelcomeNotice.Room(name: String(decoding: $0.name, as: UTF8.self), position: $0.position)
      }, window: window, counters: counters)
  }
}
