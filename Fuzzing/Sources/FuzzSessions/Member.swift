import FuzzSupport
import SessionCore
import SessionSimulator

/// A client of the operation stream, and what the model says of its session.
final class Member {
  let number: Int
  var wire: Wire?
  // The session, as the client knows it; `sid` is empty without one.
  var sid = ""
  private var token = ""
  private var epoch = ""
  private var lastSeen: UInt64 = 0
  private var lastSent: UInt64 = 0
  private(set) var lastText: String?
  /// Numbers that gaps named.
  private(set) var gapCount: UInt64 = 0
  /// Events of rooms that were seen, by their payloads, in their order.
  private(set) var seen: [String] = []

  // The model.
  var rooms: Set<Int> = []
  var expected: [String] = []
  var expectedReplies: [String] = []
  private(set) var replies: [String] = []
  /// Nil while it is attached.
  var suspendedAt: Instant?
  var isBlocked = false

  init(number: Int) { self.number = number }

  var isAlive: Bool { !sid.isEmpty }
  var isConnected: Bool { wire != nil }
  /// Who does not read and goes on asking is made to wait, since replies are never dropped; the model knows no waiting.
  var speaks: Bool { isConnected && !isBlocked }

  /// The session is over: the model and the client know nothing any more.
  func end() {
    (sid, token, epoch, lastSeen, lastSent, lastText, gapCount) = ("", "", "", 0, 0, nil, 0)
    (seen, rooms, expected, expectedReplies, replies, suspendedAt) = ([], [], [], [], [], nil)
  }

  // MARK: What it says

  func hello(token wrong: String? = nil) -> String {
    let auth = #""auth":{"scheme":"none","credential":"user-\#(number)"}"#
    let resume = isAlive
      ? #","resume":{"sid":"\#(sid)","token":"\#(wrong ?? token)","epoch":"\#(epoch)","ack":\#(lastSeen)}"# : ""
    return #"{"v":2,"type":"hello","payload":{"versions":[2],\#(auth)\#(resume)}}"#
  }

  /// A message with the next number.
  func numbered(_ fields: String, id: String) -> String {
    lastSent += 1
    let text = #"{"v":2,"seq":\#(lastSent),"ack":\#(lastSeen),"id":"\#(id)",\#(fields)}"#
    lastText = text
    return text
  }

  var ack: String { #"{"v":2,"ack":\#(lastSeen),"type":"ack","payload":{}}"# }

  // MARK: What it hears

  func hear(_ text: String) {
    guard let message = try? JSONValue(parsing: Array(text.utf8)) else { fail("not JSON: \(text)") }
    let payload = message["payload"] ?? .null
    if let ack = message["ack"]?.unsignedValue { require(ack <= max(lastSent, 0) || message["type"] == "welcome", "ack \(ack)") }
    switch message["type"]?.stringValue {
    case "welcome": return welcome(payload)
    case "gap": return gap(payload)
    default: break
    }
    guard let seq = message["seq"]?.unsignedValue else { return }
    requireEqual(seq, lastSeen + 1, "member \(number): seq")
    lastSeen = seq
    switch message["type"]?.stringValue {
    case "event": seen.append(payload.stringValue ?? payload.text)
    case "reply", "error": replies.append(message["re"]?.stringValue ?? "")
    default: break
    }
  }

  private func welcome(_ payload: JSONValue) {
    guard let newSID = payload["sid"]?.stringValue, let newToken = payload["token"]?.stringValue,
      let newEpoch = payload["epoch"]?.stringValue
    else { fail("welcome \(payload.text)") }
    requireEqual(payload["resumed"] == true, isAlive, "member \(number): resumed")
    if isAlive {
      requireEqual(newSID, sid, "member \(number): session")
      requireEqual(payload["last_in"]?.unsignedValue, lastSent, "member \(number): last_in")
    }
    (sid, token, epoch) = (newSID, newToken, newEpoch)
  }

  private func gap(_ payload: JSONValue) {
    guard let from = payload["from"]?.unsignedValue, let to = payload["to"]?.unsignedValue, from <= to else {
      fail("gap \(payload.text)")
    }
    require(from <= lastSeen + 1, "member \(number): gap from \(from) after \(lastSeen)")
    gapCount += to > lastSeen ? to - lastSeen : 0
    lastSeen = max(lastSeen, to)
  }

  // MARK: The judgement

  /// What was seen is what was to be seen, in its order; what is missing was named in gaps.
  func judge() {
    requireEqual(replies, expectedReplies, "member \(number): replies, which are never dropped")
    if gapCount == 0 { return requireEqual(seen, expected, "member \(number): events") }
    var rest = expected[...]
    for id in seen {
      guard let place = rest.firstIndex(of: id) else { fail("member \(number): \(id) twice, out of order or not for it") }
      rest = rest[(place + 1)...]
    }
    let missing = UInt64(expected.count - seen.count)
    require(missing <= gapCount, "member \(number): \(missing) are missing, gaps name \(gapCount)")
  }
}
