/// What a client says, from its bytes to its turn.
extension Shard {
  mutating func read(_ bytes: Span<UInt8>, _ isUTF8: Bool, _ connection: Connection, _ serve: Serving) -> Intake {
    guard !connection.isClosing else { return .stop }
    connection.lastHeard = now
    counters.messagesIn += 1
    // Read where it is used: it is large.
    var envelope = Envelope()
    do {
      try reader.read(bytes, isUTF8: isUTF8, into: &envelope)
    } catch {
      reject(connection, error)
      return intake(connection)
    }
    if let session = connection.session.flatMap({ sessions.lend($0) }) {
      session._withUnsafeGuaranteedRef { read(envelope, bytes, $0, connection, serve) }
    } else if envelope.type == .hello {
      hello(connection, envelope, bytes)
    } else {
      refuse(connection, ProtocolError("hello.expected", "the first message is hello, and welcome comes before the next"), .malformed)
    }
    return intake(connection)
  }

  private func intake(_ connection: Connection) -> Intake {
    connection.isClosing ? .stop : connection.isPaused ? .pause : .more
  }

  private mutating func reject(_ connection: Connection, _ fault: Envelope.Fault) {
    switch fault {
    case .malformed(let malformed):
      refuse(connection, .malformed("\(malformed.reason), at byte \(malformed.offset)"), .malformed)
    case .version(let version) where connection.session == nil:
      refuse(connection, .version(version, supported: Envelope.versions), .version)
    case .version(let version): complain(connection, .version(version, supported: [connection.version]))
    case .extensionUnsupported(let name):
      let error = ProtocolError("extension.unsupported", "no extension \"\(name.cut(toByteCount: 64))\" is known here")
      if connection.session == nil { refuse(connection, error, .malformed) } else { complain(connection, error) }
    }
  }

  /// An error that does not end the connection; the message that it is about was not taken.
  mutating func complain(_ connection: Connection, _ error: ProtocolError, re: String? = nil) {
    // A client that only sends and never reads must not fill the memory with complaints.
    #if PlantedFaults
    let isFull = connection.control.isFull && !Planted.isOn(.complaintsHaveNoBound)
    #else
    let isFull = connection.control.isFull
    #endif
    guard !isFull else {
      return close(connection, .tooSlow, "too many answers wait to be read")
    }
    connection.control.append(MessageWriter.tail(.error, re: re, error.payload))
    markDirty(connection)
  }

  // MARK: From a connection that has a session

  @inline(__always) private mutating func read(
    _ envelope: Envelope, _ bytes: Span<UInt8>, _ session: Session, _ connection: Connection,
    _ serve: Serving
  ) {
    #if PlantedFaults
    let isAgreed = envelope.version == session.version || Planted.isOn(.otherVersionIsTaken)
    #else
    let isAgreed = envelope.version == session.version
    #endif
    guard isAgreed else {
      let error = ProtocolError.version(envelope.version, supported: [session.version])
      return complain(connection, error)
    }
    let isNumbering = envelope.type == .ack || envelope.type == .pong
    guard envelope.type != .hello, envelope.type.isFromClient, session.version > 1 || !isNumbering else {
      let error = ProtocolError("type.unexpected", "a client with a session does not send \(envelope.type.name)")
      return refuse(connection, error, .malformed)
    }
    if session.version == 1 { counters.messagesOfVersion1 += 1 } else { counters.messagesOfVersion2 += 1 }
    session.tokens.confirm()
    guard session.version == 1 || acknowledge(envelope.ack, session, connection) else { return }
    guard let inbound = inbound(envelope, bytes, isSequenced: session.version > 1) else { return }
    take(inbound, session, connection, serve)
  }

  @inline(__always) private mutating func acknowledge(_ ack: UInt64?, _ session: Session, _ connection: Connection) -> Bool {
    guard let ack else { return true }
    // Most say again what the one before said.
    guard ack == session.outbox.ackedSeq || acknowledge(ack, session, connection) else { return false }
    // Also when it says nothing new: what made the session's messages wait may be over.
    if session.busy == nil, session.inboxCount > 0 { work(session) }
    return !connection.isClosing
  }

  private mutating func acknowledge(_ ack: UInt64, _ session: Session, _ connection: Connection) -> Bool {
    guard session.outbox.acknowledge(ack, &spareMessages) else {
      let error = ProtocolError("ack.invalid", "ack \(ack) was never sent; the last is \(session.outbox.lastSentSeq)")
      refuse(connection, error, .badSequence)
      return false
    }
    account(session)
    #if PlantedFaults
    let isTold = !Planted.isOn(.windowOpensUnnoticed)
    #else
    let isTold = true
    #endif
    if session.outbox.hasUnsent, isTold { markDirty(connection) }
    return true
  }

  /// Nil for messages that are done with when their `ack` was read.
  @inline(__always) private mutating func inbound(_ envelope: Envelope, _ bytes: Span<UInt8>, isSequenced: Bool) -> Inbound? {
    let seq = isSequenced ? envelope.seq : nil
    guard envelope.type != .event else { return event(envelope, bytes, seq) }
    let kind: Inbound.Kind
    switch envelope.type {
    case .join: kind = .join(Shard.joinRequest(envelope, bytes))
    case .leave: kind = .leave
    // Whoever leaves leaves, whatever the payload is.
    case .bye: kind = .bye(reason: (try? Shard.payload(envelope, bytes))?["reason"]?.stringValue ?? "bye")
    default: return nil
    }
    let inbound = spareInbounds.take() ?? Inbound()
    inbound.fill(kind, envelope, bytes, seq: seq)
    return inbound
  }

  private static func joinRequest(_ envelope: Envelope, _ bytes: Span<UInt8>) -> JoinRequest {
    do throws(Malformed) {
      return JoinRequest(try payload(envelope, bytes))
    } catch {
      return JoinRequest(fault: "\(error.reason), at byte \(error.offset) of the payload")
    }
  }

  @inline(__always) private mutating func event(_ envelope: Envelope, _ bytes: Span<UInt8>, _ seq: UInt64?) -> Inbound {
    let inbound = spareInbounds.take() ?? Inbound()
    if let name = envelope.event, !inbound.hasEvent(of: envelope.layout) {
      dispatchCache.find(name, version: envelope.eventVersion, bytes, configuration.dispatcher, into: &inbound.event)
    }
    inbound.fillEvent(envelope, bytes, seq: seq)
    return inbound
  }

  @inline(__always) private mutating func take(
    _ inbound: consuming Inbound, _ session: Session, _ connection: Connection, _ serve: Serving
  ) {
    guard session.version == 1 || counts(inbound, session, connection) else { return }
    guard session.busy != nil || session.inboxCount > 0 || inbound.isBye || mustWait(session) else {
      return begin(inbound, session, serve)
    }
    session.enqueue(inbound)
    if session.busy == nil { work(session) }
    // One over the window: a client that keeps to it is always read, since its acknowledgements come the same way.
    if session.inboxCount > limits.window.messageCount || session.inboxByteCount > limits.window.byteCount {
      connection.isPaused = true
    }
  }

  /// Whether the message is the next one; what was taken before is acknowledged again, so that its sender stops.
  @inline(__always) private mutating func counts(_ inbound: Inbound, _ session: Session, _ connection: Connection) -> Bool {
    if inbound.isBye { return true }
    guard let seq = inbound.seq else {
      if inbound.isTransient { return true }
      refuse(connection, ProtocolError("sequence.missing", "a reliable message needs seq"), .badSequence)
      return false
    }
    #if PlantedFaults
    if Planted.isOn(.duplicateIsProcessedAgain), seq <= session.receivedIn { return true }
    #endif
    guard seq > session.receivedIn else {
      counters.duplicatesIn += 1
      session.isAckDue = true
      markDirty(connection)
      return false
    }
    guard seq == session.receivedIn + 1 else {
      let error = ProtocolError("sequence.gap", "seq \(seq) came where \(session.receivedIn + 1) was due")
      refuse(connection, error, .badSequence)
      return false
    }
    session.receivedIn = seq
    return true
  }
}
