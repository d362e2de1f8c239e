import SessionCore

/// The second connection, by which a client moves without a break.
extension SessionClient {
  /// The server asked for it and it is this client's turn.
  func moveOver() {
    guard second == nil, session.isWelcomed else { return }
    second = makeConnection()
  }

  func secondOpened(_ connection: ClientConnection) {
    guard let hello = session.makeOffer(now: ClientLoop.now()) else { return dropSecond() }
    connection.send(hello)
    if configuration.reportsMessages { delegate?.client(self, transmitted: hello) }
    rearm()
  }

  func secondReceived(_ text: Span<UInt8>) {
    if configuration.reportsMessages { delegate?.client(self, arrived: text) }
    switch session.receiveOffered(text, now: ClientLoop.now(), actions: &actions) {
    case .waits: break
    case .taken:
      takeSecond()
      carry()
    case .declined(let farewell):
      if let farewell { second?.send(farewell) }
      dropSecond()
    }
  }

  /// The second connection takes the first one's place. What was not read there comes again, what was not sent goes
  /// out again.
  private func takeSecond() {
    let first = connection
    (connection, second) = (second, nil)
    blackholeEnd = .never
    first?.abandon(1000, reason: "moved to a new connection")
  }

  /// The first connection ended while the second waits for its answer: for the session nothing ended.
  func promotesSecond(_ ending: ConnectionEnding) -> Bool {
    guard second != nil, SessionClient.isHarmless(ending), session.promoteOffer(now: ClientLoop.now()) else {
      return false
    }
    connection = nil
    takeSecond()
    rearm()
    return true
  }

  private static func isHarmless(_ ending: ConnectionEnding) -> Bool {
    guard case .closed(let code, _) = ending.reconnectorEnding else { return true }
    return code == .replaced || code.advice == .resume
  }

  func secondClosed(_ ending: ConnectionEnding) {
    second = nil
    session.withdrawOffer()
    delegate?.client(self, stays: ending)
  }

  /// Without a word to the delegate: the client goes another way.
  func dropSecond() {
    guard let second else { return }
    self.second = nil
    session.withdrawOffer()
    second.abandon(1000)
  }
}
