import SessionCore

/// What the judge knows of a session from the outside: from lifecycle events, from what is written and what arrives.
final class SessionRecord {
  let sid: SessionID
  var user: String
  var version: UInt64 = 2
  /// What is for a suspended session of version 1 is lost, and nobody is told.
  var hasSpokenVersion1 = false
  var epoch = ""
  /// Attaches, each of which has its own generation; not every one has a `welcome` that was written.
  var attachCount: UInt64 = 1
  var attached: Wire?
  var suspendedAt: Instant?
  var ttlMilliseconds: UInt64 = 0
  /// When somebody last asked for it: a claim that comes to nothing gives it its time anew.
  var claimedAt = Instant.zero
  var isEnded = false
  /// Two clients that both hold it may be there, or one that stands behind it: what the client says counts for nothing.
  var isTainted = false

  // Tokens: PROTOCOL.md section 9.3.
  var token = ""
  var previousToken: String?
  var retiredTokens: [String] = []
  /// Messages came of which it is not for the judge to say whether they confirm.
  var isConfirmationInDoubt = false

  // Numbers of the present epoch.
  var ackWritten: UInt64 = 0
  /// Since when more is processed than its client was told.
  var unackedSince: Instant?
  var acked: UInt64 = 0
  var received: UInt64 = 0
  var processed: UInt64 = 0
  var droppedForAll: UInt64 = 0

  // Handlers.
  var handling: (token: HandlerToken, seq: UInt64, since: Instant)?
  var handledUpTo: UInt64 = 0
  var handledEpoch: UInt64 = 0
  /// Messages from others that its home took for it.
  var mailCount = 0

  init(sid: SessionID, user: String) { (self.sid, self.user) = (sid, user) }

  func beginEpoch() { (ackWritten, acked, received, processed) = (0, 0, 0, 0) }

  /// The token that was presented stays good until the client is heard; what was good before is retired.
  func rotate(presented: String?, next: String) {
    if let presented {
      if let previousToken, previousToken != presented { retiredTokens.append(previousToken) }
      if presented != token { retiredTokens.append(token) }
      previousToken = presented
    }
    token = next
    isConfirmationInDoubt = false
  }

  func confirm() {
    guard let previousToken else { return }
    retiredTokens.append(previousToken)
    self.previousToken = nil
  }
}

/// What the judge knows of a wire.
final class WireRecord {
  let wire: Wire
  var hello: HelloRecord?
  var session: SessionRecord?
  var isWelcomed = false
  var isHostile = false
  /// The version that everything written must have, once it is known.
  var version: UInt64?
  var isToldReplaced = false
  var isToldRevoked = false
  var isToldDraining = false
  var closeCode: UInt16?
  var closedCount = 0

  init(_ wire: Wire) { self.wire = wire }
}

/// What a `hello` asked for.
struct HelloRecord {
  var sid: String?
  var token: String?
  var user: String
  var at: Instant
  var wasDraining: Bool

  init(_ message: JSONValue, at: Instant, wasDraining: Bool) {
    let payload = message["payload"]
    sid = payload?["resume"]?["sid"]?.stringValue
    token = payload?["resume"]?["token"]?.stringValue
    user = payload?["auth"]?["credential"]?.stringValue ?? "anonymous"
    (self.at, self.wasDraining) = (at, wasDraining)
  }
}
