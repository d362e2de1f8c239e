import DequeModule
import SessionCore

/// What one client sent and saw, and what of it does not hold. Every client keeps one, whatever it is made of.
final class Account {
  enum Kind {
    case publish(room: Int)
    case echo, join(room: Int), leave(room: Int), direct(client: Int), setState

    var isMove: Bool {
      switch self {
      case .join, .leave: true
      default: false
      }
    }
  }

  struct Awaited {
    var number: UInt64
    var kind: Kind
    /// By which its client knows it.
    var ticket: UInt64
  }

  /// Where a member stands in a room.
  private struct Place {
    var position: LogPosition
    /// So many of its messages were named in gaps, or may have been.
    var mayMiss: UInt64 = 0
    /// Offsets of older messages that the server has announced.
    var older: ClosedRange<UInt64>?
  }

  let client: Int
  /// Proof for `unsafe`: the run owns both.
  private unowned(unsafe) let judge: Judge
  var sid: SessionID?
  var version: UInt64 = 2
  /// Answers come in the order of what was sent.
  private(set) var awaited: Deque<Awaited> = []
  private var places: [Place?]
  private var mailCount = 0
  private var lastMail: [SessionID: UInt64] = [:]
  private(set) var gapCount: UInt64 = 0
  private var hasUnnamedGap = false
  private var state: UInt64 = 0
  /// What was under way when numbers began anew may be answered still, or not.
  private var isLoose = false

  // For the report.
  private(set) var resumedCount = 0
  private(set) var renewedCount = 0

  init(client: Int, judge: Judge, roomCount: Int) {
    (self.client, self.judge) = (client, judge)
    places = Array(repeating: nil, count: roomCount)
  }

  /// A copy of this client is there, or it stands behind its session: nothing that it sees proves anything.
  var isTainted: Bool { sid.flatMap { judge.sessions[$0]?.isTainted } ?? false }

  func taint() { if let sid { judge.sessions[sid]?.isTainted = true } }

  func accuse(_ invariant: Invariant, _ text: @autoclosure () -> String) {
    if !isTainted { judge.accuse(invariant, "client \(client): " + text()) }
  }

  // MARK: Going back

  private var kept: Deque<Awaited> = []

  /// A copy has what the other has sent, and sends it again if it gets a session of its own.
  func begin(asCopyOf other: Account) { (sid, version, awaited) = (other.sid, other.version, other.awaited) }

  func keep() { kept = awaited }

  func goBack() { awaited = kept }

  // MARK: Sends

  func sent(_ number: UInt64, _ kind: Kind, ticket: UInt64) {
    awaited.append(Awaited(number: number, kind: kind, ticket: ticket))
  }

  // MARK: welcome

  /// - Parameter goesOn: the same session in the same numbering.
  /// - Parameter ticket: of what was sent before it, nothing will be answered any more, unless the session goes on.
  func welcomed(_ greeting: Greeting, goesOn: Bool, keepingFrom ticket: UInt64) {
    if greeting.isResumed { resumedCount += 1 } else if sid != nil { renewedCount += 1 }
    (sid, version) = (greeting.sid, greeting.version)
    if !goesOn || version == 1 {
      awaited.removeAll { $0.ticket < ticket }
      // What was missed over a change of numbering nobody has counted.
      isLoose = greeting.isResumed || version == 1
    }
    if !greeting.isResumed {
      (mailCount, gapCount, hasUnnamedGap, state) = (0, 0, false, 0)
      lastMail = [:]
    }
    checkRooms(greeting, goesOn: goesOn && version == 2)
    if greeting.isResumed, goesOn, greeting.state < state {
      accuse(.noLoss, "its state is \(greeting.state), and was \(state) when it was acknowledged")
    }
    if greeting.hasSkipped { accuse(.noLoss, "the server skips what it holds") }
  }

  /// Membership outlives drops: where no join or leave is under way, both name the same rooms.
  private func checkRooms(_ greeting: Greeting, goesOn: Bool) {
    var told: [Place?] = Array(repeating: nil, count: places.count)
    for room in greeting.rooms where room.index < places.count {
      told[room.index] = Place(position: room.position)
      if !greeting.isResumed { told[room.index]?.older = room.older }
    }
    guard goesOn else {
      places = told
      if greeting.isResumed { for room in places.indices { places[room]?.mayMiss = .max } }
      return
    }
    guard !awaited.contains(where: \.kind.isMove) else { return }
    for room in places.indices where (places[room] == nil) != (told[room] == nil) {
      accuse(.membership, "room \(room): in it before the drop: \(places[room] != nil), after it: \(told[room] != nil)")
    }
  }

  // MARK: Messages

  /// An event, reply or error that is new to the client.
  func took(_ seen: Seen, _ bytes: [UInt8]) {
    guard !isTainted else { return }
    switch seen.type {
    case .event: tookEvent(seen, bytes)
    case .reply: answered(seen, bytes)
    case .error where seen.re != nil: answered(seen, bytes)
    case .error: unasked(bytes, seen.payload)
    default: break
    }
  }

  private func tookEvent(_ seen: Seen, _ bytes: [UInt8]) {
    let number = seen.payload.flatMap { bytes.number(in: $0) } ?? 0
    if let room = seen.room.flatMap({ roomIndex(bytes, $0) }) {
      guard !seen.isTransient, let position = seen.position.flatMap({ LogPosition(bytes.span, $0) }) else { return }
      roomMessage(room, position, number, isOlder: seen.isOlder)
    } else if let from = seen.from {
      mail(number, from: SessionID(String(decoding: bytes[from], as: UTF8.self)))
    }
  }

  private func roomIndex(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
    guard range.count == 2, bytes[range.lowerBound] == 0x72 else { return nil }
    let index = Int(bytes[range.lowerBound + 1]) - 0x30
    return index < places.count ? index : nil
  }

  private func roomMessage(_ room: Int, _ position: LogPosition, _ number: UInt64, isOlder: Bool) {
    if let truth = judge.rooms[room].number(position), truth != number {
      accuse(.order, "room \(room) said \(truth) at \(position.offset), and it was told \(number)")
    }
    guard var place = places[room] else {
      if !hasUnnamedGap { accuse(.membership, "a message of room \(room), in which it is not") }
      return
    }
    if isOlder { return older(room, position) }
    if position.log != place.position.log {
      if version == 2, place.mayMiss == 0 { accuse(.order, "room \(room) changed its log under a member") }
    } else if position.offset <= place.position.offset {
      let kind: Invariant = position.offset == place.position.offset ? .noDuplicates : .order
      accuse(kind, "room \(room): \(position.offset) after \(place.position.offset)")
    } else if case let hole = position.offset - place.position.offset - 1, hole > place.mayMiss, version == 2, !hasUnnamedGap {
      let someoneIsSlow = judge.hasSlowMember(but: sid)
      accuse(
        someoneIsSlow ? .isolation : .noLoss,
        "room \(room): \(position.offset) after \(place.position.offset), no gap\(someoneIsSlow ? ", while another member does not read" : "")")
    }
    place.position = position
    // What a gap allowed for is behind, up to here.
    if place.mayMiss != .max || version == 2 { place.mayMiss = 0 }
    if version == 1 { place.mayMiss = .max }
    places[room] = place
  }

  private func older(_ room: Int, _ position: LogPosition) {
    guard let older = places[room]?.older else {
      if !hasUnnamedGap { accuse(.noDuplicates, "an older message of room \(room), which was not announced") }
      return
    }
    if position.offset != older.lowerBound, !hasUnnamedGap, places[room]?.mayMiss == 0 {
      accuse(.order, "room \(room): the older \(position.offset) where \(older.lowerBound) was due")
    }
    places[room]?.older = position.offset < older.upperBound ? position.offset + 1...older.upperBound : nil
  }

  private func mail(_ number: UInt64, from sender: SessionID?) {
    mailCount += 1
    guard let sender, judge.sessions[sender]?.isTainted != true else { return }
    let last = lastMail[sender] ?? 0
    if number == last { accuse(.noDuplicates, "message \(number) of \(sender) came twice") }
    if number < last { accuse(.order, "message \(number) of \(sender) after \(last)") }
    lastMail[sender] = number
  }

  // MARK: Answers

  private func answered(_ seen: Seen, _ bytes: [UInt8]) {
    guard let number = seen.re.flatMap({ bytes.number(in: $0) }), let payload = seen.payload else {
      return accuse(.version, "an answer to nothing that it sent")
    }
    if isLoose, let index = awaited.firstIndex(where: { $0.number == number }) {
      awaited.removeFirst(index)
    } else if isLoose {
      return
    }
    guard let first = awaited.first else { return accuse(.noDuplicates, "an answer to \(number), which has one") }
    guard first.number == number else {
      if number < first.number { return accuse(.noDuplicates, "\(number) was answered twice") }
      return accuse(.ackHonesty, "\(number) was answered before \(first.number), which comes first")
    }
    awaited.removeFirst()
    if seen.type == .error { return refused(first, bytes, payload) }
    switch first.kind {
    case .echo:
      if bytes.number(in: payload) != number { accuse(.fencing, "\(number) got the answer of another message") }
    case .publish(let room): published(room, number, bytes, payload)
    case .join(let room): joined(room, bytes, payload)
    case .leave(let room): places[room] = nil
    case .direct: judge.noteMail(number)
    case .setState: state = number
    }
  }

  private func published(_ room: Int, _ number: UInt64, _ bytes: [UInt8], _ payload: Range<Int>) {
    // {"pos":["0123456789abcdef",17]}
    let start = payload.lowerBound + 7
    guard start < payload.upperBound - 1, let position = LogPosition(bytes.span, start..<payload.upperBound - 1) else {
      return accuse(.fencing, "\(number) was published and got the answer of another message")
    }
    if let truth = judge.rooms[room].number(position), truth != number {
      accuse(.ackHonesty, "\(number) is said to stand at \(position.offset) of room \(room), where \(truth) stands")
    }
  }

  private func joined(_ room: Int, _ bytes: [UInt8], _ payload: Range<Int>) {
    guard let json = try? JSONValue(parsing: Array(bytes[payload])), let position = LogPosition(json["pos"]) else {
      return accuse(.fencing, "a join got the answer of another message")
    }
    if let place = places[room], place.position.log == position.log, place.mayMiss == 0, version == 2, !hasUnnamedGap,
      place.position.offset != position.offset
    {
      accuse(.noLoss, "room \(room) stands at \(position.offset), and its member was told up to \(place.position.offset)")
    }
    places[room] = Place(position: position)
    places[room]?.older = RoomContinuity(json)?.history
    if version == 1 { places[room]?.mayMiss = .max }
  }

  private func refused(_ awaited: Awaited, _ bytes: [UInt8], _ payload: Range<Int>) {
    let code = Welcomes.text(bytes, payload, "code") ?? ""
    switch (awaited.kind, code) {
    case (.publish(let room), "room.not_joined"):
      if places[room] != nil, version == 2, !hasUnnamedGap { accuse(.membership, "it is in room \(room), and was refused as a stranger") }
    case (.join, "room.forbidden"), (.join, "room.limit"), (_, "handler.timeout"), (.direct, "direct.unknown"),
      (.publish, "room.forbidden"), (.echo, "handler.failed"):
      break
    default: accuse(.version, "\(awaited.number) was refused with \(code)")
    }
  }

  private func unasked(_ bytes: [UInt8], _ payload: Range<Int>?) {
    guard let payload, let code = (try? JSONValue(parsing: Array(bytes[payload])))?["code"]?.stringValue else { return }
    switch code {
    case "room.not_joined", "server.draining", "server.busy", "server.error", "session.limit", "takeover.limit",
      "session.token_reuse", "hello.timeout", "auth.failed":
      break
    default: accuse(.version, "it was told \(code)")
    }
  }

  // MARK: Gaps

  func gap(_ notice: GapNotice) {
    gapCount += notice.count
    if notice.rooms.isEmpty || !notice.roomsAreComplete { hasUnnamedGap = true }
    for name in notice.rooms {
      guard let room = Judge.roomIndex(name), room < places.count, places[room] != nil else { continue }
      let sum = (places[room]?.mayMiss ?? 0).addingReportingOverflow(notice.count)
      places[room]?.mayMiss = sum.overflow ? .max : sum.partialValue
    }
  }

  // MARK: The end

  /// Nothing is under way any more.
  func checkAtRest() {
    guard let sid, let session = judge.sessions[sid], !session.isTainted, !session.isEnded, version == 2 else { return }
    if let first = awaited.first {
      accuse(.quiescence, "\(awaited.count) of its messages have no answer; the first is \(first.number)")
    }
    for (room, place) in places.enumerated() {
      guard let place, place.mayMiss == 0, !hasUnnamedGap, judge.rooms[room].log == place.position.log else { continue }
      let end = UInt64(judge.rooms[room].entries.count)
      if place.position.offset != end {
        accuse(.noLoss, "room \(room) has said \(end), and it was told up to \(place.position.offset)")
      }
    }
    if gapCount == 0, !hasUnnamedGap, !session.hasSpokenVersion1, mailCount < session.mailCount {
      accuse(.noLoss, "\(session.mailCount) messages were accepted for it, and \(mailCount) came")
    }
  }

  /// The rooms that it holds itself to be in.
  func isIn(_ room: Int) -> Bool { places[room] != nil }
}

extension Judge {
  /// A message for the session of a client was accepted.
  func noteMail(_ number: UInt64) {
    guard let sid = sidOfMail(number), let session = sessions[sid], !session.isEnded else { return }
    session.mailCount += 1
  }

  /// Whether some member of a room does not read, or read too slowly a moment ago.
  func hasSlowMember(but sid: SessionID?) -> Bool {
    if let slowAt, now.milliseconds(since: slowAt) < 500 { return true }
    return sessions.values.contains { $0.sid != sid && !$0.isEnded && ($0.attached?.isBlocked ?? false) }
  }
}
