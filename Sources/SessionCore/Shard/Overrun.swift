/// Clients that are sent more than they acknowledge, until their outboxes give up what is under way.
extension Shard {
  /// Such a client has to acknowledge something, in the time of a peer that says nothing.
  @inline(__always) mutating func watchOverrun(_ session: Session) {
    if session.outbox.isOverrun { expectAcknowledgement(session) }
  }

  private mutating func expectAcknowledgement(_ session: Session) {
    guard session.overrun.deadline == .never else { return }
    session.ackedAtOverrun = session.outbox.ackedSeq
    session.overrun.set(
      now.advanced(byMilliseconds: limits.pingIntervalMilliseconds + limits.pingTimeoutMilliseconds),
      TimerKey(purpose: .overrun, slot: session.slot), in: &timers)
  }

  mutating func overrunIsDue(_ session: Session) {
    guard session.outbox.isOverrun, let slot = session.connection, let connection = connections[slot] else { return }
    guard session.outbox.ackedSeq == session.ackedAtOverrun else { return watchOverrun(session) }
    close(connection, .tooSlow, "the client does not acknowledge")
  }
}
