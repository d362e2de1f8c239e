import SessionCore

/// What a client may want of the server.
enum Sending {
  case publish(room: String)
  case echo
  case join(room: String)
  case leave(room: String)
}

/// A client of the simulation: it is told what happens and answers with the messages that it sends.
protocol SimulatedClient: AnyObject {
  var number: Int { get }
  var wire: Wire? { get set }
  var isWelcome: Bool { get }
  var record: Record { get set }
  /// Sends without an outcome.
  var pendingCount: Int { get }

  func opened(now: Instant) -> [String]
  func closed(now: Instant)
  func hear(_ bytes: [UInt8], now: Instant) -> [String]
  func send(_ sending: Sending, id: String, now: Instant) -> [String]
  /// The last message that is not acknowledged, once more: a duplicate.
  func again() -> [String]
  func advance(now: Instant) -> [String]
}

extension SimulatedClient {
  /// What the simulation looks for in every message.
  func note(_ message: JSONValue) {
    guard message["type"] == "error", let code = message["payload"]?["code"]?.stringValue, code != "room.not_joined"
    else { return }
    record.faults.append("was told \(message["payload"]?.text ?? code)")
  }
}

/// What a client saw, for the judgement.
struct Record {
  var faults: [String] = []
  /// Ids whose processing the server acknowledged.
  var acknowledged: Set<String> = []
  /// Ids that are in doubt: their session was lost.
  var unknown: Set<String> = []
  var answered: [String: Int] = [:]
  var resumed = 0
  var renewed = 0
  /// Messages named in gaps.
  var gapCount: UInt64 = 0
  var roomMessages = 0
  /// Offsets that were passed over.
  var missing: UInt64 = 0
  /// Where it stands in each room.
  var rooms: [String: LogPosition] = [:]

  /// A message that the application of the client gets.
  mutating func read(_ message: JSONValue) {
    if let re = message["re"]?.stringValue { answered[re, default: 0] += 1 }
    switch message["type"]?.stringValue {
    case "reply":
      if let room = message["room"]?.stringValue {
        // `pos` tells a join from a leave.
        rooms[room] = LogPosition(message["payload"]?["pos"])
      }
    case "event":
      if let room = message["room"]?.stringValue, let position = LogPosition(message["pos"]) { read(room, position) }
    default: break
    }
  }

  private mutating func read(_ room: String, _ position: LogPosition) {
    roomMessages += 1
    if let before = rooms[room] {
      if before.log != position.log { faults.append("\(room) changed its log under a member") }
      if position.offset <= before.offset { faults.append("\(room): \(position.offset) after \(before.offset)") }
      missing += position.offset - min(before.offset + 1, position.offset)
    } else if gapCount == 0 {
      // The reply to the join may be in a gap, never without one.
      faults.append("a message of \(room), which was not joined")
    }
    rooms[room] = position
  }
}
