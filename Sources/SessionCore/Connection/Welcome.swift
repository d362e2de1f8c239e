/// The payload of `welcome`: PROTOCOL.md, "welcome".
struct Welcome {
  /// A JSON object.
  let payload: [UInt8]

  /// - Parameter constants: from `constants(_:server:)`.
  init(
    _ session: Session, _ connection: Connection, token: String, resumed: Shard.Resumed?, deprecations: [Deprecation],
    constants: [UInt8]
  ) {
    var members: [JSONValue.Member] = [
      .init("version", .int(session.version)), .init("connection", .string(connection.id.description)),
      .init("sid", .string(session.sid.description)), .init("epoch", .string(hexDigits(session.epoch))),
      .init("gen", .int(session.generation)), .init("token", .string(token)),
      .init("ttl_ms", .int(session.ttlMilliseconds)), .init("resumed", .bool(resumed != nil)),
      .init("rebuilt", .bool(false)),
    ]
    if let refusal = connection.refusal {
      members.append(.init("reason", .string(refusal.reason.rawValue)))
      if let lastIn = refusal.lastIn { members.append(.init("lost", .object([.init("last_in", .int(lastIn))]))) }
    }
    if session.version == 1 {
      members.append(.init("missed", .int(session.missedCount)))
    } else {
      members += Welcome.numbers(session, resumed)
    }
    members += Welcome.surroundings(session)
    members.append(.init("deprecations", .array(deprecations.map { .string($0.description) })))
    if !session.eventVersions.isEmpty { members.append(.init("events", Welcome.versions(session))) }
    // One object of two: the brace that ends the first is the comma between them.
    var bytes = JSONValue.object(members).bytes
    bytes[bytes.count - 1] = UInt8(ascii: ",")
    bytes += constants[1...]
    payload = bytes
  }

  /// The members that are the same for every session, an object of them: written once, and not with each `welcome`.
  static func constants(_ limits: Limits, server: String) -> [UInt8] {
    JSONValue.object([
      .init(
        "ping",
        .object([
          .init("interval_ms", .int(limits.pingIntervalMilliseconds)),
          .init("timeout_ms", .int(limits.pingTimeoutMilliseconds)),
        ])),
      .init(
        "window",
        .object([
          .init("messages", .int(limits.window.messageCount)), .init("bytes", .int(limits.window.byteCount)),
        ])),
      .init("limits", bounds(limits)), .init("server", .string(server)),
    ]).bytes
  }

  private static func numbers(_ session: Session, _ resumed: Shard.Resumed?) -> [JSONValue.Member] {
    let replay = session.outbox.replayRange.map { range in
      JSONValue.object([.init("from", .int(range.lowerBound)), .init("to", .int(range.upperBound))])
    }
    var members: [JSONValue.Member] = [
      .init("last_in", .int(session.lastIn)), .init("replay", replay ?? .null),
      .init("gaps", .array(session.outbox.gaps.map(\.payload))),
    ]
    if session.missedCount > 0 { members.append(.init("missed", .int(session.missedCount))) }
    if let skipped = resumed?.skipped {
      members.append(
        .init("skipped", .object([.init("from", .int(skipped.lowerBound)), .init("to", .int(skipped.upperBound))])))
    }
    return members
  }

  private static func surroundings(_ session: Session) -> [JSONValue.Member] {
    let rooms = session.memberships.map { membership in
      JSONValue.object(
        [.init("room", .string(membership.name)), .init("pos", membership.position.json)]
          + (membership.continuity?.members ?? []))
    }
    let state = session.state.flatMap { try? JSONValue(parsing: $0) } ?? .null
    return [
      .init("rooms", .array(rooms)), .init("state", state),
      .init(
        "principal",
        .object([
          .init("user", .string(session.principal.user)),
          .init("permissions", .array(session.principal.permissions.map { .string($0) })),
        ])),
    ]
  }

  private static func versions(_ session: Session) -> JSONValue {
    .object(session.eventVersions.sorted { $0.key < $1.key }.map { .init($0.key, .int($0.value)) })
  }

  private static func bounds(_ limits: Limits) -> JSONValue {
    .object([
      .init("message_bytes", .int(limits.messageByteCount)), .init("rooms", .int(limits.roomsPerSession)),
      .init("state_bytes", .int(limits.stateByteCount)), .init("outbox_messages", .int(limits.outbox.messageCount)),
      .init("outbox_bytes", .int(limits.outbox.byteCount)), .init("ack_delay_ms", .int(limits.ackDelayMilliseconds)),
    ])
  }
}

extension Gap {
  /// As `gap` and `welcome.gaps` tell it.
  var payload: JSONValue {
    .object([
      .init("from", .int(first)), .init("to", .int(last)), .init("count", .int(count)),
      .init("rooms", .array(rooms.map { .string($0) })), .init("rooms_complete", .bool(roomsAreComplete)),
      .init("reason", .string(reason.rawValue)),
    ])
  }
}
