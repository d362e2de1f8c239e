import SessionCore

/// The client's own account of one session, kept from the frames that went over the wire and from nothing else: it
/// does not believe the library whose resumption it judges.
package struct SessionLedger: Equatable {
  /// What one frame revealed that a person must hear of.
  package enum Alarm: Equatable, Sendable {
    /// Messages are missing that no `gap` named.
    case hole(from: UInt64, to: UInt64)
    /// The server named messages that it no longer has.
    case gap(from: UInt64, to: UInt64, reason: String)
    case duplicate(seq: UInt64)
    /// Sends of a session that ended, of which nobody knows whether they were processed.
    case unknown(count: UInt64)
  }

  package private(set) var version: UInt64 = 0
  package private(set) var sid: String?
  package private(set) var user: String?
  package private(set) var connection: String?
  package private(set) var generation: UInt64 = 0
  package private(set) var timeToLiveMilliseconds: UInt64 = 0
  package private(set) var wasResumed = false
  /// Why a resumption was refused.
  package private(set) var refusal: String?
  package private(set) var rooms: Set<String> = []
  /// Highest sequence number that came, and that went.
  package private(set) var lastIn: UInt64 = 0
  package private(set) var lastOut: UInt64 = 0
  /// Highest of ours that the server has processed, and of its that we have acknowledged.
  package private(set) var acknowledgedOut: UInt64 = 0
  package private(set) var acknowledgedIn: UInt64 = 0
  /// Messages that came again after the last `welcome` because they had not been acknowledged.
  package private(set) var replayed: UInt64 = 0
  package private(set) var isReplaying = false
  /// What the last `hello` claimed to have, and what had come when it was welcomed: the replay brings what lies between
  /// again, which an older connection brought meanwhile.
  private var (claimed, seen): (UInt64, UInt64) = (0, 0)
  /// Totals over all sessions of this run.
  package private(set) var holes: UInt64 = 0
  package private(set) var gaps: UInt64 = 0
  package private(set) var duplicates: UInt64 = 0
  package private(set) var unknown: UInt64 = 0
  package private(set) var framesIn: UInt64 = 0
  package private(set) var framesOut: UInt64 = 0
  /// Ids that were sent and have no reply yet. Bounded: a client that asks without end learns nothing from more.
  package private(set) var unanswered: Set<String> = []
  private static let maxUnanswered = 65_536
  private static let maxRooms = 4096

  package init() {}

  /// Sends that the server has not acknowledged.
  package var unacknowledged: UInt64 { lastOut > acknowledgedOut ? lastOut - acknowledgedOut : 0 }

  /// Nothing is due from the server: every send is acknowledged and answered.
  package var isSettled: Bool { unacknowledged == 0 && unanswered.isEmpty }

  package mutating func sent(_ message: JSONValue) {
    framesOut += 1
    if let seq = message["seq"]?.unsignedValue { lastOut = max(lastOut, seq) }
    if let ack = message["ack"]?.unsignedValue { acknowledgedIn = max(acknowledgedIn, ack) }
    guard let type = message["type"]?.stringValue else { return }
    if type == "hello" { claimed = message["payload"]?["resume"]?["ack"]?.unsignedValue ?? 0 }
    if ["event", "join", "leave"].contains(type), let id = message["id"]?.stringValue,
      unanswered.count < SessionLedger.maxUnanswered
    {
      unanswered.insert(id)
    }
  }

  package mutating func received(_ message: JSONValue) -> [Alarm] {
    framesIn += 1
    let type = message["type"]?.stringValue
    if type == "welcome" { return welcomed(message["payload"] ?? .null) }
    var alarms: [Alarm] = []
    if let ack = message["ack"]?.unsignedValue, version != 1 { acknowledgedOut = max(acknowledgedOut, ack) }
    if let seq = message["seq"]?.unsignedValue, version != 1, let alarm = count(seq) { alarms.append(alarm) }
    switch type {
    case "live": isReplaying = false
    case "gap": if let alarm = passed(message["payload"] ?? .null) { alarms.append(alarm) }
    case "reply", "error":
      if let re = message["re"]?.stringValue { unanswered.remove(re) }
      if type == "reply", let room = message["payload"]?["room"]?.stringValue { noteRoom(room, message) }
    default: break
    }
    return alarms
  }

  /// The server is asked for everything behind `seq` again, so that it may come again.
  package mutating func rewind(to seq: UInt64) { lastIn = min(lastIn, seq) }

  /// The session of the client is over: nothing more is due.
  package mutating func forgetSession() {
    (lastIn, lastOut, acknowledgedIn, acknowledgedOut) = (0, 0, 0, 0)
    unanswered = []
    rooms = []
  }

  private mutating func welcomed(_ payload: JSONValue) -> [Alarm] {
    var alarms: [Alarm] = []
    wasResumed = payload["resumed"]?.boolValue ?? false
    refusal = payload["reason"]?.stringValue
    let isRenumbered = payload["rebuilt"]?.boolValue ?? false || payload["version"]?.unsignedValue != version
    if !wasResumed || isRenumbered, sid != nil {
      let processed = payload["lost"]?["last_in"]?.unsignedValue ?? acknowledgedOut
      let lost = lastOut > processed ? lastOut - processed : 0
      unknown += lost
      if lost > 0 { alarms.append(.unknown(count: lost)) }
    }
    if !wasResumed { forgetSession() }
    if isRenumbered { (lastIn, lastOut, acknowledgedIn, acknowledgedOut) = (0, 0, 0, 0) }
    version = payload["version"]?.unsignedValue ?? 0
    sid = payload["sid"]?.stringValue
    user = payload["principal"]?["user"]?.stringValue
    connection = payload["connection"]?.stringValue
    generation = payload["gen"]?.unsignedValue ?? 0
    timeToLiveMilliseconds = payload["ttl_ms"]?.unsignedValue ?? 0
    if let lastIn = payload["last_in"]?.unsignedValue, wasResumed { acknowledgedOut = max(acknowledgedOut, lastIn) }
    let held = (payload["rooms"]?.arrayValue ?? []).prefix(SessionLedger.maxRooms)
    rooms = Set(held.compactMap { $0["room"]?.stringValue })
    (replayed, seen) = (0, lastIn)
    isReplaying = version != 1
    return alarms
  }

  private mutating func count(_ seq: UInt64) -> Alarm? {
    guard seq > lastIn else {
      if isReplaying, seq > claimed, seq <= seen { return nil }
      duplicates += 1
      return .duplicate(seq: seq)
    }
    let first = lastIn + 1
    lastIn = seq
    if isReplaying { replayed += 1 }
    guard seq > first else { return nil }
    holes += seq - first
    return .hole(from: first, to: seq - 1)
  }

  /// A `gap`; the part of it that came already is passed over.
  private mutating func passed(_ payload: JSONValue) -> Alarm? {
    guard let from = payload["from"]?.unsignedValue, let to = payload["to"]?.unsignedValue, from <= to, to > lastIn
    else { return nil }
    let first = max(from, lastIn + 1)
    // What lies between the last message and the gap is missing without a name.
    holes += first - lastIn - 1
    gaps += to - first + 1
    lastIn = to
    return .gap(from: first, to: to, reason: payload["reason"]?.stringValue ?? "unknown")
  }

  /// The replies to join and leave tell the room; which of the two it was, the position does.
  private mutating func noteRoom(_ room: String, _ reply: JSONValue) {
    if reply["payload"]?["pos"] != nil {
      if rooms.count < SessionLedger.maxRooms { rooms.insert(room) }
    } else if reply["payload"]?["members"] != nil {
      rooms.remove(room)
    }
  }
}
