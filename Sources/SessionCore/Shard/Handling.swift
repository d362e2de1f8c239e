extension Shard {
  /// What another shard, or this one, said.
  mutating func handle(_ message: consuming ShardMessage) { handle((consume message).content) }

  private mutating func handle(_ content: consuming ShardMessage.Content) {
    switch consume content {
    case .claim(let claim): registrarClaimed(claim)
    case .claimRefused(let sid, let reason): registrarRefused(sid, reason)
    case .stayed(let sid): registrarSettled(sid)
    case .moved(let transfer): registrarMoved(transfer)
    case .ended(let sid, let tombstone): registrarEnded(sid, tombstone)
    case .route(let sid, let mail, let reply): registrarRoute(sid, mail, reply)
    case .release(let claim): release(claim)
    case .granted(let claim, let transfer): granted(claim, transfer)
    case .refused(let claim, let refused): claimRefused(claim, refused)
    case .mail(let sid, let mail, let reply): deliver(mail, to: sid, reply)
    case .userSession(let user, let sid, let isThere): note(sid, of: user, isThere: isThere)
    case .routeToUser(let user, let mail, let reply): routeToUser(user, mail, reply)
    case .admit(let user, let sid, let shard, let connection): admit(sid, of: user, shard, connection)
    case .admitted(let user, let sid, let connection, let isIn): admitted(sid, of: user, connection, isIn)
    case .done(let reply, let done): finish(reply, done)
    case let content: handleRoom(content)
    }
  }

  private mutating func handleRoom(_ content: consuming ShardMessage.Content) {
    switch consume content {
    case .join(let room, let member, let wish, let reply): homeJoin(room, member, wish, reply)
    case .leave(let room, let sid, let reply): homeLeave(room, sid, reply)
    case .publish(let room, let event, let reply): homePublish(room, event, reply)
    case .presence(let room, let sid, let change): homePresence(room, sid, change)
    case .unhook(let room, let sid): homeUnhook(room, sid)
    case .rehook(let room, let sid, let shard): homeRehook(room, sid, shard)
    case .joined(let room, let sid, let entered, let reply): joined(room, sid, entered, reply)
    case .joinRefused(let room, let sid, let error, let reply): joinRefused(room, sid, error, reply)
    case .left(let room, let sid, let count, let reply): left(room, sid, count, reply)
    case .roomMessage(let room, let message, let position): fanOut(room, message, position)
    case .transientRoomMessage(let room, let message): fanOutTransient(room, message)
    case .memberMessage(let room, let message, let sid): fanOutToWatchers(room, message, except: sid)
    case .unhooked(let room, let sid): unhooked(room, sid)
    case .rehooked(let room, let sid, let held): rehooked(room, sid, held)
    default: preconditionFailure("handle(_:) takes the rest")
    }
  }
}
