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
    members.append(.init("rooms", Welcome.rooms(session)))
    var payload = JSONValue.object(members).bytes
    // As it was set: `fault(ofState:)` was asked then.
    Welcome.append(Array(#"{"state":"#.utf8) + (session.state ?? Array("null".utf8)) + Array("}".utf8), to: &payload)
    members = [
      .init("principal", Welcome.principal(session)),
      .init("deprecations", .array(deprecations.map { .string($0.description) })),
    ]
    if !session.eventVersions.isEmpty { members.append(.init("events", Welcome.versions(session))) }
    Welcome.append(JSONValue.object(members).bytes, to: &payload)
    Welcome.append(constants, to: &payload)
    self.payload = payload
  }

  /// Makes one object of two: the brace that ends the first is the comma between them.
  private static func append(_ object: [UInt8], to payload: inout [UInt8]) {
    payload[payload.count - 1] = UInt8(ascii: ",")
    payload += object[1...]
  }

  /// What is wrong with bytes that are to be a session's state, nil if nothing is. `welcome` carries it two levels deep in
  /// a message like others, and clients read what they are welcomed with whole.
  static func fault(ofState state: [UInt8]) -> String? {
    do throws(Malformed) {
      _ = try JSONValue(parsing: state.span, depth: 2)
      return nil
    } catch {
      let levels = JSONReader.maxDepth - 2
      return "JSON of at most \(levels) levels without a key twice expected for a state: \(error.reason), at byte \(error.offset)"
    }
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

  /// All of them come as `gap` besides.
  private static let maxGapCount = 64

  private static func numbers(_ session: Session, _ resumed: Shard.Resumed?) -> [JSONValue.Member] {
    let replay = session.outbox.replayRange.map { range in
      JSONValue.object([.init("from", .int(range.lowerBound)), .init("to", .int(range.upperBound))])
    }
    var members: [JSONValue.Member] = [
      .init("last_in", .int(session.lastIn)), .init("replay", replay ?? .null),
      .init("gaps", .array(session.outbox.gaps.prefix(maxGapCount).map(\.payload))),
    ]
    if session.missedCount > 0 { members.append(.init("missed", .int(session.missedCount))) }
    if let skipped = resumed?.skipped {
      members.append(
        .init("skipped", .object([.init("from", .int(skipped.lowerBound)), .init("to", .int(skipped.upperBound))])))
    }
    return members
  }

  private static func rooms(_ session: Session) -> JSONValue {
    .array(
      session.memberships.map { membership in
        JSONValue.object(
          [.init("room", .string(membership.name)), .init("pos", membership.position.json)]
            + (membership.continuity?.members ?? []))
      })
  }

  private static func principal(_ session: Session) -> JSONValue {
    .object([
      .init("user", .string(session.principal.user)),
      .init("permissions", .array(session.principal.permissions.map { .string($0) })),
    ])
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
