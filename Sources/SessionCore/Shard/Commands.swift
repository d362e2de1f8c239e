/// What the application and the operator ask for.
extension Shard {
  /// Any shard takes any command; `answer` with the same token follows, maybe in a later step.
  public mutating func execute(
    _ command: Command, token: CommandToken, now: Instant, effects: inout Effects
  ) {
    step(now, &effects) { shard in
      let reply = ReplyTo.command(token, shard: shard.configuration.index)
      switch command {
      case .kick(let sid, let reason):
        shard.post(.route(sid, .kick(reason: reason), reply: reply), to: shard.registrar(of: sid))
      case .advise(let sid, let delay):
        let mail = Mail.advise(reconnectAfterMilliseconds: delay)
        shard.post(.route(sid, mail, reply: reply), to: shard.registrar(of: sid))
      case .kickUser(let user, let reason):
        shard.post(.routeToUser(user: user, .kick(reason: reason), reply: reply), to: shard.home(of: user))
      case .publish(let room, var event):
        guard let admitted = shard.admit(event.event, event.eventVersion, event.payload, token) else { return }
        (event.eventVersion, event.payload) = admitted
        shard.post(.publish(room: room, event, reply: reply), to: shard.home(of: room))
      case .send(let target, let event, let eventVersion, let payload):
        guard let (eventVersion, payload) = shard.admit(event, eventVersion, payload, token) else { return }
        shard.route(target, Shard.directMessage(event, eventVersion, from: nil, payload), reply: reply)
      }
    }
  }

  mutating func route(_ target: Target, _ message: SharedMessage, reply: ReplyTo) {
    switch target {
    case .session(let sid): post(.route(sid, .message(message), reply: reply), to: registrar(of: sid))
    case .user(let user): post(.routeToUser(user: user, .message(message), reply: reply), to: home(of: user))
    }
  }

  /// Mail for a session that is here.
  mutating func deliver(_ mail: Mail, to sid: SessionID, _ reply: ReplyTo?) {
    guard let slot = slotBySID[sid], let session = sessions[slot] else { return answer(reply, .notFound) }
    switch mail {
    case .message(let message): give(message, to: session)
    case .lost(let count):
      session.outbox.appendLoss(count: count, room: nil)
      markDirty(session)
    case .advise(let delay):
      guard let connection = session.connection.flatMap({ connections[$0] }) else { return answer(reply, .count(0)) }
      advise(connection, reconnectAfterMilliseconds: delay, deadlineMilliseconds: nil)
    case .kick(let reason):
      counters.sessionsRevoked += 1
      end(session, .ended, told: "revoked", reason: reason, .revoked)
    }
    answer(reply, .count(1))
  }

  static func directMessage(
    _ event: String, _ eventVersion: UInt64, from: SessionID?, _ payload: [UInt8]
  ) -> SharedMessage {
    var tail = MessageWriter.Tail(.event)
    tail.add("event", event)
    if eventVersion != 1 { tail.add("ev", number: eventVersion) }
    tail.add(from: from)
    return SharedMessage(tail: tail.end(payload: payload))
  }
}
