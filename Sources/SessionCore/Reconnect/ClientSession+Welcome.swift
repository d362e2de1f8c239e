extension ClientSession {
  /// `welcome`: the session goes on, or a new one begins. PROTOCOL.md, "Resume".
  mutating func takeWelcome(
    _ envelope: Envelope, _ payload: JSONValue, _ now: Instant, _ actions: inout [ClientAction]
  ) {
    var notice: WelcomeNotice
    let token: Secret
    do throws(ServerFault) {
      (notice, token) = try WelcomeReader.read(payload)
    } catch {
      return fail(error, &actions)
    }
    guard configuration.versions.contains(notice.version), envelope.version == notice.version else {
      return fail(.version(envelope.version), &actions)
    }
    guard !notice.isResumed || identity?.sid == notice.sid else {
      return fail(.badWelcome("it resumes a session that was not asked for"), &actions)
    }
    let goesOn = notice.isResumed && notice.version == identity?.version && notice.epoch == identity?.epoch
    if goesOn, notice.version == 2, notice.lastIn > outbox.lastSent {
      return fail(.ackBeyondSent(notice.lastIn), &actions)
    }
    adopt(notice, token)
    if goesOn { goOn(notice, &actions) } else { beginAnew(notice, &actions) }
    phase = .replaying
    greetingDeadline = .never
    heard(now: now)
    if notice.isResumed { counters.resumes += 1 } else { counters.newSessions += 1 }
    // What was under way goes before anything new.
    notice.resentCount = goesOn ? resend(&actions) : 0
    pump(&actions)
    actions.append(.welcomed(notice))
    if notice.version == 1 {
      phase = .live
      actions.append(.live)
    } else if processed > ackSent {
      awaitAck(now)
    }
  }

  private mutating func adopt(_ notice: WelcomeNotice, _ token: Secret) {
    identity = Identity(
      sid: notice.sid, token: token, epoch: notice.epoch, generation: notice.generation, version: notice.version,
      user: notice.user, ttlMilliseconds: notice.ttlMilliseconds)
    (window, messageByteLimit, ackDelayMilliseconds) = (
      notice.window, notice.messageByteLimit, notice.ackDelayMilliseconds
    )
    probeMilliseconds = notice.pingTimeoutMilliseconds ?? 10_000
    silenceMilliseconds = notice.pingIntervalMilliseconds.map { $0 + probeMilliseconds }
  }

  /// The same numbering: what the server has is settled, the rest goes out again.
  private mutating func goOn(_ notice: WelcomeNotice, _ actions: inout [ClientAction]) {
    if let skipped = notice.skipped, skipped.upperBound <= notice.lastIn {
      // `last_in` counts them, and nobody will ever process them.
      settle(outbox.acknowledge(max(skipped.lowerBound, 1) - 1), .acked, &actions)
      settle(outbox.acknowledge(skipped.upperBound), .unknown, &actions)
    }
    settle(outbox.acknowledge(notice.lastIn), .acked, &actions)
    // Version 1 replays no answers; its list of rooms tells all.
    if notice.version == 1 { pendingRooms.removeAll { $0.ticket < outbox.firstTicket } }
    (ackSent, mustAck) = (min(helloAck, processed), false)
    keepRooms(notice)
  }

  /// Numbers begin at 1. Sends that may or may not have got through are named to the application, never sent again.
  private mutating func beginAnew(_ notice: WelcomeNotice, _ actions: inout [ClientAction]) {
    if !notice.isResumed, let lastIn = notice.lostLastIn {
      settle(outbox.acknowledge(min(lastIn, outbox.lastSent)), .delivered, &actions)
    }
    settle(outbox.renumber(), .unknown, &actions)
    restartNumbering()
    if notice.isResumed { keepRooms(notice) } else { takeRooms(notice) }
  }

  private mutating func takeRooms(_ notice: WelcomeNotice) {
    rooms.removeAll()
    for room in notice.rooms { rooms.set(Array(room.name.utf8), room.position) }
  }

  /// The server's list of rooms counts; positions are those that we saw, since a replay may follow.
  private mutating func keepRooms(_ notice: WelcomeNotice) {
    let known = rooms
    takeRooms(notice)
    for room in known.entries where rooms.contains(room.name) {
      if let position = room.position { rooms.set(room.name, position) }
    }
  }
}

/// Reads the payload of `welcome`, which a peer wrote: every number is bounded before it is used.
enum WelcomeReader {
  /// Longest time that is believed; half a day of silence is as good as none.
  private static let maxMilliseconds: UInt64 = 86_400_000

  static func read(_ payload: JSONValue) throws(ServerFault) -> (WelcomeNotice, token: Secret) {
    guard let version = payload["version"]?.unsignedValue else { throw .badWelcome("version is missing") }
    guard let sid = payload["sid"]?.stringValue, let token = payload["token"]?.stringValue else {
      throw .badWelcome("sid or token is missing")
    }
    guard sid.utf8.count <= 128, token.utf8.count <= 128 else { throw .badWelcome("sid or token is too long") }
    let epoch = payload["epoch"]?.stringValue
    if version == 2 {
      guard let epoch, parseHexDigits(epoch) != nil else { throw .badWelcome("epoch is not 16 hex digits") }
      guard payload["last_in"]?.unsignedValue != nil else { throw .badWelcome("last_in is missing") }
    }
    guard let isResumed = payload["resumed"]?.boolValue else { throw .badWelcome("resumed is missing") }
    let limits = payload["limits"] ?? .null
    let notice = WelcomeNotice(
      version: version, connection: payload["connection"]?.stringValue, sid: sid, epoch: epoch,
      generation: payload["gen"]?.unsignedValue ?? 0, isResumed: isResumed,
      isRebuilt: payload["rebuilt"]?.boolValue ?? false, reason: payload["reason"]?.stringValue,
      lastIn: payload["last_in"]?.unsignedValue ?? 0, lostLastIn: payload["lost"]?["last_in"]?.unsignedValue,
      skipped: range(payload["skipped"]), replay: range(payload["replay"]), rooms: rooms(payload["rooms"]),
      state: payload["state"].flatMap { $0 == .null ? nil : $0.bytes },
      user: payload["principal"]?["user"]?.stringValue,
      permissions: texts(payload["principal"]?["permissions"]),
      ttlMilliseconds: payload["ttl_ms"]?.unsignedValue ?? 0,
      missedCount: payload["missed"]?.unsignedValue ?? 0, window: window(payload["window"]),
      messageByteLimit: limits["message_bytes"]?.unsignedValue.map { Int($0) } ?? 1_048_576,
      ackDelayMilliseconds: limits["ack_delay_ms"]?.unsignedValue.map { min($0, 10_000) } ?? 250,
      pingIntervalMilliseconds: time(payload["ping"]?["interval_ms"]),
      pingTimeoutMilliseconds: time(payload["ping"]?["timeout_ms"]),
      server: payload["server"]?.stringValue, deprecations: texts(payload["deprecations"]))
    return (notice, Secret(token))
  }

  private static func range(_ value: JSONValue?) -> ClosedRange<UInt64>? {
    guard let from = value?["from"]?.unsignedValue, let to = value?["to"]?.unsignedValue, from <= to else { return nil }
    return from...to
  }

  private static func rooms(_ value: JSONValue?) -> [WelcomeNotice.Room] {
    (value?.arrayValue ?? []).prefix(RoomPositions.maxCount).compactMap { room in
      room["room"]?.stringValue.map { name in
        let continuity = RoomContinuity(room)
        return WelcomeNotice.Room(
          name: name, position: RoomPositions.start(room["pos"], continuity), continuity: continuity)
      }
    }
  }

  private static func texts(_ value: JSONValue?) -> [String] { value?.arrayValue?.compactMap(\.stringValue) ?? [] }

  private static func time(_ value: JSONValue?) -> UInt64? { value?.unsignedValue.map { min($0, maxMilliseconds) } }

  /// A window of nothing would never open.
  private static func window(_ value: JSONValue?) -> Window {
    let messages = value?["messages"]?.unsignedValue ?? 256
    let bytes = value?["bytes"]?.unsignedValue ?? 1_048_576
    return Window(messageCount: Int(max(messages, 1)), byteCount: Int(max(bytes, 1)))
  }
}
