import SessionCore

extension JSONValue {
  static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  /// The value and an end of line.
  var line: [UInt8] { bytes + [0x0A] }

  static func members(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(members.map { Member($0.key, $0.value) })
  }
}

extension SessionSnapshot {
  /// A line of the list.
  var json: JSONValue { .object(members(rooms: .int(rooms.count))) }

  /// The session by itself.
  var details: JSONValue {
    .object(
      members(rooms: .array(rooms.map { .string($0) })) + [
        .init("epoch", .string(hexDigits(epoch))), .init("attaches", .int(generation)),
        .init("dropped", .int(dropped)), .init("instance", .optional(instance)),
      ])
  }

  private func members(rooms: JSONValue) -> [JSONValue.Member] {
    [
      .init("sid", .string(sid.description)), .init("state", .string(state.rawValue)), .init("user", .string(user)),
      .init("connection", .optional(connection?.description)), .init("transport", .optional(transport)),
      .init("remote", .optional(remote)), .init("version", .int(version)), .init("gen", .int(generation)),
      .init("rooms", rooms),
      .init("outbox", .members(["messages": .int(outboxMessages), "bytes": .int(outboxBytes)])),
      .init("unacked", .int(lastSeq >= acked ? lastSeq - acked : 0)), .init("last_in", .int(lastIn)),
      .init("last_seq", .int(lastSeq)), .init("acked", .int(acked)), .init("age_ms", .int(ageMilliseconds)),
      .init("idle_ms", .int(idleMilliseconds)),
      .init("expires_in_ms", expiresInMilliseconds.map { .int($0) } ?? .null),
    ]
  }
}

extension SessionSnapshot {
  /// What a backend may know of the session.
  var publicJSON: JSONValue {
    .members([
      "session": .string(sid.description), "user": .string(user), "state": .string(state.rawValue),
      "rooms": .array(rooms.map { .string($0) }), "instance": .optional(instance), "remote": .optional(remote),
      "transport": .optional(transport), "age_ms": .int(ageMilliseconds), "idle_ms": .int(idleMilliseconds),
      "expires_in_ms": expiresInMilliseconds.map { .int($0) } ?? .null,
    ])
  }
}

extension RoomSummary {
  var json: JSONValue {
    .members(["room": .string(name), "members": .int(memberCount), "pos": position.json])
  }
}

extension RoomSnapshot {
  var json: JSONValue { json(members: .int(members.count)) }

  /// The room by itself.
  var details: JSONValue { json(members: .array(members.map { .string($0.description) })) }

  private func json(members: JSONValue) -> JSONValue {
    .members([
      "room": .string(name), "members": members, "log": .string(hexDigits(position.log)),
      "offset": .int(position.offset),
      "history": .members(["messages": .int(historyMessages), "bytes": .int(historyBytes)]),
    ])
  }
}

extension EventLog.Entry {
  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("ts", .string(WallClock.text(time))), .init("event", .string(event.kind.rawValue)),
    ]
    let texts: [(String, String?)] = [
      ("sid", event.sid?.description), ("connection", event.connection?.description), ("user", event.user),
      ("room", event.room),
    ]
    for (name, text) in texts { if let text { members.append(.init(name, .string(text))) } }
    if let code = event.code { members.append(.init("code", .int(code))) }
    if let reason = event.reason { members.append(.init("reason", .string(reason))) }
    return .object(members)
  }
}
