import SessionCore

extension SessionClient: ClientConnectionDelegate {
  public func connectionOpened(_ connection: ClientConnection, subprotocol: String?) {
    guard connection !== second else { return secondOpened(connection) }
    guard connection === self.connection else { return }
    session.opened(now: ClientLoop.now(), actions: &actions)
    carry()
  }

  public func connectionHeard(_ connection: ClientConnection) {
    if connection === self.connection { session.heard(now: ClientLoop.now()) }
  }

  public func connection(_ connection: ClientConnection, received text: Span<UInt8>) {
    guard connection !== second else { return secondReceived(text) }
    guard connection === self.connection else { return }
    if configuration.reportsMessages { delegate?.client(self, arrived: text) }
    // The burst's time: it was just heard.
    let envelope = session.receive(text, &shared.reader, now: session.heardTime, actions: &actions)
    if !actions.isEmpty { carry() }
    if let envelope { delegate?.client(self, received: envelope, text) }
  }

  public func connection(_ connection: ClientConnection, receivedBinary bytes: Span<UInt8>) {
    guard connection !== second else { return dropSecond() }
    guard connection === self.connection else { return }
    session.receivedBinary(actions: &actions)
    carry()
  }

  public func connectionReadComplete(_ connection: ClientConnection) {
    guard connection === self.connection else { return }
    delegate?.clientReadComplete(self)
    session.flush(now: session.heardTime, actions: &actions)
    carry()
  }

  public func connectionClosed(_ connection: ClientConnection, _ ending: ConnectionEnding) {
    guard connection !== second else { return secondClosed(ending) }
    guard connection === self.connection, !promotesSecond(ending) else { return }
    self.connection = nil
    ended(ending, ending.reconnectorEnding)
  }
}
