/// The shard as the home of rooms.
extension Shard {
  // MARK: In and out

  mutating func homeJoin(_ room: String, _ member: Member, _ wish: HistoryWish?, _ reply: Operation?) {
    let message = ShardMessage(content: .join(room: room, member, wish, reply: reply))
    guard let home = self.home(room, orWait: message) else {
      guard homes[room] == nil else { return }
      let error = ProtocolError("room.limit", "the server has all the rooms it can take", retry: .later)
      return post(.joinRefused(room: room, member.sid, error, reply: reply), to: member.shard)
    }
    guard let position = home.position else { return }
    let isNew = home.join(member)
    // Who is in already was given everything since it came.
    var entered = Entered(position: position, memberCount: home.members.count)
    if isNew, let wish { entered.recall = recall(wish, from: home, position) }
    post(.joined(room: room, member.sid, entered, reply: reply), to: member.shard)
    if isNew { tellWatchers(home, member, .joined) }
  }

  mutating func homeLeave(_ room: String, _ sid: SessionID, _ reply: Operation?) {
    let home = openHome(room)
    let member = home?.leave(sid)
    if let reply {
      post(.left(room: room, sid, memberCount: home?.members.count ?? 0, reply: reply), to: reply.shard)
    }
    guard let home, let member else { return }
    tellWatchers(home, member, .left)
    closeIfEmpty(home)
  }

  // MARK: Members that move

  mutating func homeUnhook(_ room: String, _ sid: SessionID) {
    guard let home = openHome(room), let entry = home.members[sid], let position = home.position else { return }
    home.unhook(sid, Held(position: position))
    post(.unhooked(room: room, sid), to: entry.member.shard)
  }

  mutating func homeRehook(_ room: String, _ sid: SessionID, _ shard: Int) {
    guard let home = openHome(room), let held = home.rehook(sid, shard: shard) else { return }
    post(.rehooked(room: room, sid, held), to: shard)
  }

  // MARK: What is said

  mutating func homePublish(_ room: String, _ event: RoomEvent, _ reply: ReplyTo?) {
    guard let home = homeForPublishing(room, event, reply) else { return }
    if event.isTransient {
      sendTransient(home, Shard.roomMessage(room, event, nil))
      return answer(reply, .published(nil, memberCount: home.members.count))
    }
    home.pending.append(.append(event, reply))
    out.append(.log(LogToken(room: home.slot, serial: nextSerial()), .append(room: room, event)))
  }

  /// A room that keeps what is said is there for that too: nobody has to be in it. Nil if the message waits or was
  /// answered.
  private mutating func homeForPublishing(_ room: String, _ event: RoomEvent, _ reply: ReplyTo?) -> RoomHome? {
    if let home = openHome(room) { return home }
    if !event.isTransient, limits.policy(of: room).history != nil {
      let message = ShardMessage(content: .publish(room: room, event, reply: reply))
      if let home = self.home(room, orWait: message) { return home }
      if homes[room] != nil { return nil }
    }
    answer(reply, .notFound)
    return nil
  }

  mutating func roomLogged(_ token: LogToken, _ position: LogPosition) {
    guard let home = homeSlots[token.room], let pending = home.pending.popFirst() else { return }
    switch pending {
    case .open:
      home.position = position
      let waiting = home.waiting
      home.waiting = []
      for message in waiting { handle(message) }
    case .append(let event, let reply):
      home.position = position
      let message = Shard.roomMessage(home.name, event, position)
      send(home, message, position)
      keep(message, position, in: home)
      answer(reply, .published(position, memberCount: home.members.count))
      closeIfEmpty(home)
    }
  }

  private mutating func send(_ home: RoomHome, _ message: SharedMessage, _ position: LogPosition) {
    for shard in home.memberCounts.indices where home.memberCounts[shard] > 0 {
      post(.roomMessage(room: home.name, message, position), to: shard)
    }
    home.hold(message, position, for: { _ in true }, limit: limits.outbox.messageCount)
  }

  private mutating func sendTransient(_ home: RoomHome, _ message: SharedMessage) {
    for shard in home.memberCounts.indices where home.memberCounts[shard] > 0 {
      post(.transientRoomMessage(room: home.name, message), to: shard)
    }
  }

  mutating func tellWatchers(_ home: RoomHome, _ member: Member, _ change: MemberChange) {
    guard home.heldCount > 0 || home.watcherCounts.contains(where: { $0 > 0 }) else { return }
    var tail = MessageWriter.Tail(.member)
    tail.add("room", home.name)
    let payload = JSONValue.object([
      .init("sid", .string(member.sid.description)), .init("user", .string(member.user)),
      .init("change", .string(change.rawValue)),
    ])
    let message = SharedMessage(tail: tail.end(payload: payload.bytes), room: home.name)
    for shard in home.watcherCounts.indices where home.watcherCounts[shard] > 0 {
      post(.memberMessage(room: home.name, message, except: member.sid), to: shard)
    }
    home.hold(message, nil, for: { $0.wantsPresence && $0.sid != member.sid }, limit: limits.outbox.messageCount)
  }

  static func roomMessage(_ room: String, _ event: RoomEvent, _ position: LogPosition?) -> SharedMessage {
    let textByteCount = event.event.utf8.count + room.utf8.count + (event.key?.utf8.count ?? 0)
    var tail = MessageWriter.Tail(.event, reserving: 144 + textByteCount + event.payload.count)
    tail.add("event", event.event)
    if event.eventVersion != 1 { tail.add("ev", number: event.eventVersion) }
    tail.add("room", room)
    tail.add(from: event.from)
    if let position { tail.add(position: position) }
    tail.add("key", event.key)
    if event.isTransient { tail.add("delivery", "transient") }
    return SharedMessage(tail: tail.end(payload: event.payload), room: room, key: event.key)
  }

  // MARK: Rooms come and go

  func openHome(_ room: String) -> RoomHome? {
    guard let home = homes[room].flatMap({ homeSlots[$0] }), home.position != nil else { return nil }
    return home
  }

  /// The room, made if it was not there; nil if the message has to wait for the log, or if there is no place for it.
  private mutating func home(_ room: String, orWait message: ShardMessage) -> RoomHome? {
    if let home = homes[room].flatMap({ homeSlots[$0] }) {
      if home.position == nil { home.waiting.append(message) }
      return home.position == nil ? nil : home
    }
    guard homeSlots.count < limits.roomCount else { return nil }
    let shardCount = configuration.count
    let (policy, grace) = (limits.policy(of: room), limits.presenceGraceMilliseconds)
    let slot = homeSlots.insert {
      RoomHome(name: room, slot: $0, shardCount: shardCount, policy, graceMilliseconds: grace)
    }
    homes[room] = slot
    homeSlots[slot]?.waiting.append(message)
    out.append(.log(LogToken(room: slot, serial: nextSerial()), .open(room: room)))
    observe(LifecycleEvent(.roomCreated, room: room))
    return nil
  }

  /// A room ends with its last member, or with the last message that it keeps.
  mutating func closeIfEmpty(_ home: RoomHome) {
    forgetExpired(home)
    guard home.members.isEmpty, home.pending.isEmpty, home.history?.isEmpty ?? true else { return }
    home.alarm.cancel()
    homes[home.name] = nil
    homeSlots.remove(home.slot)
    out.append(.log(LogToken(room: home.slot, serial: nextSerial()), .close(room: home.name)))
    observe(LifecycleEvent(.roomRemoved, room: home.name))
  }
}
