/// The way to a new connection without a break, when the server asks for it: a second connection says `hello` while the
/// first one goes on, and takes its place when it is welcomed. PROTOCOL.md, "Draining".
extension ClientSession {
  /// A `hello` that is under way on a second connection.
  struct Offer: Sendable {
    /// What it claims to be processed; what came since on the first connection will come again.
    var ack: UInt64
    var deadline: Instant
  }

  /// What becomes of the second connection.
  public enum OfferVerdict: Sendable, Equatable {
    case waits
    /// It is the session's connection now, and the first one is nothing to it: actions are for the second.
    case taken
    /// It is to be closed, and the first one goes on. The message, if there is one, is to be sent before.
    case declined(farewell: [UInt8]?)
  }

  /// Whether a second connection has said hello and was not answered.
  public var hasOffer: Bool { offer != nil }
  /// Until when the answer is waited for.
  public var offerDeadline: Instant { offer?.deadline ?? .never }

  /// A second connection is open: its `hello`. Nil if there is no session that could move.
  public mutating func makeOffer(now: Instant) -> [UInt8]? {
    guard isWelcomed else { return nil }
    offer = Offer(ack: processed, deadline: now.advanced(byMilliseconds: configuration.helloTimeoutMilliseconds))
    counters.messagesOut += 1
    return hello(ack: processed)
  }

  /// The second connection is gone, or is given up.
  public mutating func withdrawOffer() { offer = nil }

  /// The first connection is gone while the second one waits for its answer, and nothing was wrong with that: the
  /// server may have closed the first one for it. False if there is no second one.
  public mutating func promoteOffer(now: Instant) -> Bool {
    guard let offer, phase != .leaving else { return false }
    takePlace(offer, now)
    return true
  }

  /// A message came on the second connection.
  public mutating func receiveOffered(
    _ message: Span<UInt8>, now: Instant, actions: inout [ClientAction]
  ) -> OfferVerdict {
    guard let offer, let envelope = try? Envelope(parsing: message) else { return decline() }
    switch envelope.type {
    // Its close follows.
    case .error, .session: return .waits
    case .welcome:
      let welcome = payload(envelope, message)
      guard welcome["resumed"] == true, welcome["sid"]?.stringValue == identity?.sid else {
        // Over there is a new session, which nobody wants as long as the old one lives here.
        return decline(MessageWriter.farewell(version: envelope.version))
      }
      takePlace(offer, now)
      _ = receive(message, now: now, actions: &actions)
      return .taken
    default: return decline()
    }
  }

  private mutating func decline(_ farewell: [UInt8]? = nil) -> OfferVerdict {
    offer = nil
    return .declined(farewell: farewell)
  }

  /// From here on it is as if the first connection had broken and the second had said hello.
  private mutating func takePlace(_ offer: Offer, _ now: Instant) {
    phase = .greeting
    (lastError, fault, self.offer) = (nil, nil, nil)
    (greetingDeadline, helloAck) = (offer.deadline, offer.ack)
    (ackDeadline, mustAck) = (.never, false)
    heard(now: now)
  }
}

extension MessageWriter {
  /// Ends a session at its beginning.
  fileprivate static func farewell(version: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    appendHead(version: version, seq: nil, ack: version == 1 ? nil : 0, to: &bytes)
    return bytes + tail(.bye, payload: emptyPayload)
  }
}
