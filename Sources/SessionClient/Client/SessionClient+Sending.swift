import SessionCore

extension SessionClient {
  /// Sends a reliable event; its outcome is told for the ticket returned. It waits if it must.
  ///
  /// - Parameter payload: JSON text.
  @discardableResult public func send(
    event: String, eventVersion: UInt64 = 1, payload: [UInt8], room: String? = nil, id: String? = nil,
    key: String? = nil
  ) throws(SendFault) -> UInt64 {
    defer { carry() }
    return try session.send(
      event: event, eventVersion: eventVersion, payload: payload, room: room, id: id, key: key,
      now: ClientLoop.now(), actions: &actions)
  }

  @discardableResult public func send(_ event: PreparedEvent) throws(SendFault) -> UInt64 {
    defer { carry() }
    return try session.send(event, now: ClientLoop.now(), actions: &actions)
  }

  /// Sends an event that may be lost; only while welcomed.
  public func sendTransient(_ event: PreparedEvent) throws(SendFault) {
    defer { carry() }
    try session.sendTransient(event, now: ClientLoop.now(), actions: &actions)
  }

  @discardableResult public func join(
    _ room: String, presence: Bool = false, older: ClientSession.OlderMessages? = nil, id: String? = nil
  ) throws(SendFault) -> UInt64 {
    defer { carry() }
    return try session.join(
      room, presence: presence, older: older, id: id, now: ClientLoop.now(), actions: &actions)
  }

  @discardableResult public func leave(_ room: String, id: String? = nil) throws(SendFault) -> UInt64 {
    defer { carry() }
    return try session.leave(room, id: id, now: ClientLoop.now(), actions: &actions)
  }

  /// Sends `text` as it stands; the ticket if it is a message with the next number.
  @discardableResult public func sendRaw(_ text: String) throws(SendFault) -> UInt64? {
    defer { carry() }
    return try session.sendRaw(Array(text.utf8), actions: &actions)
  }

  /// Acknowledges at once, alone: all that came, or `seq`, whatever it is.
  public func acknowledge(_ seq: UInt64? = nil) {
    session.acknowledge(seq, actions: &actions)
    carry()
  }

  /// With `autoAck` off: everything up to `seq` is processed.
  public func processed(upTo seq: UInt64) {
    session.processed(upTo: seq, now: ClientLoop.now())
    session.flush(now: ClientLoop.now(), actions: &actions)
    carry()
  }
}
