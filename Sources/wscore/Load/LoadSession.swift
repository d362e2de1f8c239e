import SessionClient
import SessionCore

/// One session of a run, on its loop: its client, what it sent, and where it stands.
final class LoadSession: SessionClientDelegate {
  enum Stage {
    case idle
    /// Until the first `live`.
    case connecting
    /// Until the reply to `join`.
    case joining
    case ready
    /// Its session is gone, or its client has stopped: it sends no more.
    case retired
  }

  let index: Int
  /// Position among the worker's sessions; the receiver's number in the ledger.
  let place: Int
  private unowned let worker: LoadWorker
  var client: SessionClient?
  var stage = Stage.idle
  var account = SenderAccount()
  var startedAt: UInt64 = 0
  /// When its connection broke; nil while it has one.
  var brokenAt: UInt64?
  /// Which storm broke it.
  var storm: Int?
  /// Tickets of messages follow those of joins, which come first.
  private var joinTickets: UInt64 = 0

  init(index: Int, place: Int, worker: LoadWorker) {
    (self.index, self.place, self.worker) = (index, place, worker)
  }

  // MARK: Sending

  /// Hands the next message to the client. Its number is used up whether or not it can be sent.
  /// - Returns: whether the client took it.
  func send(intended: UInt64, now: UInt64) -> Bool {
    account.issued += 1
    let number = account.issued
    guard stage == .ready, let client else {
      account.unsent.append(number...number)
      return false
    }
    let payload = LoadPayload(sender: index, number: number, intended: intended, handed: now)
    do throws(SendFault) {
      _ = try client.send(
        event: LoadWorker.event, payload: payload.bytes(byteCount: worker.plan.payloadBytes),
        room: worker.roomName(index))
      return true
    } catch {
      account.unsent.append(number...number)
      if case .tooBig(let limit) = error {
        worker.fail(
          "a message with --payload-bytes \(worker.plan.payloadBytes) is longer than the \(limit) bytes that the server takes",
          .usage, next: "Lower --payload-bytes, or raise --max-message-bytes of wscore serve.")
      }
      return false
    }
  }

  /// Whether the server still owes an acknowledgement.
  var isPending: Bool {
    guard stage == .ready, let session = client?.session else { return false }
    return session.unackedCount + session.queuedCount > 0
  }

  /// The number of the message with this ticket; 0 if it was a join. Numbers that never got a ticket are jumped over.
  private func number(ofTicket ticket: UInt64) -> UInt32 {
    guard ticket > joinTickets else { return 0 }
    var number = UInt32(clamping: ticket - joinTickets)
    for range in account.unsent.ranges where range.lowerBound <= number { number += UInt32(range.count) }
    return number
  }

  private func join() {
    guard let client else { return }
    do throws(SendFault) {
      joinTickets = try client.join(worker.roomName(index))
    } catch {
      worker.fail("session \(index) cannot join: \(error)", .failed)
    }
  }

  /// What the room says from here on is for this session.
  private func joined(_ reply: Envelope, _ bytes: Span<UInt8>) {
    let payload = reply.payload.flatMap { try? JSONValue(parsing: bytes.extracting($0)) }
    if let position = LogPosition(payload?["pos"]) { worker.ledger.begin(receiver: place, position) }
    worker.isReady(self)
  }

  // MARK: The client tells

  func client(_ client: SessionClient, welcomed notice: WelcomeNotice) {
    guard !notice.isResumed else { return }
    switch stage {
    case .joining: stage = .connecting
    case .ready: retire(notice.reason ?? "unknown")
    default: break
    }
  }

  func clientIsLive(_ client: SessionClient) {
    switch stage {
    case .connecting:
      stage = .joining
      join()
    case .ready:
      guard let brokenAt else { return }
      worker.resumed(self, since: brokenAt)
      (self.brokenAt, storm) = (nil, nil)
    default: break
    }
  }

  func client(_ client: SessionClient, received envelope: Envelope, _ bytes: Span<UInt8>) {
    switch envelope.type {
    case .event:
      guard let range = envelope.payload else { return }
      worker.received(
        self, bytes.extracting(range), envelope.pos.flatMap { LogPosition(bytes, $0) }, isNamed: isNamed(envelope, bytes))
    case .reply: if stage == .joining { joined(envelope, bytes) }
    case .error: worker.refused(self, envelope, bytes)
    default: break
    }
  }

  private func isNamed(_ envelope: Envelope, _ bytes: Span<UInt8>) -> Bool {
    LoadSession.isText(envelope.event, LoadWorker.event, bytes) && LoadSession.isText(envelope.room, worker.roomName(index), bytes)
  }

  private static func isText(_ text: JSONText?, _ name: String, _ bytes: Span<UInt8>) -> Bool {
    guard let text else { return false }
    let written = bytes.extracting(text.range)
    guard text.hasEscapes else {
      let wanted = name.utf8Span.span
      guard wanted.count == written.count else { return false }
      for index in written.indices where written[index] != wanted[index] { return false }
      return true
    }
    let json = [0x22] + written.withUnsafeBufferPointer { Array($0) } + [0x22]
    return (try? JSONValue(parsing: json))?.stringValue?.utf8.elementsEqual(name.utf8) == true
  }

  func client(_ client: SessionClient, outcome: SendOutcome, of tickets: ClosedRange<UInt64>) {
    let last = number(ofTicket: tickets.upperBound)
    guard last > 0 else { return }
    let first = max(1, number(ofTicket: tickets.lowerBound))
    let count = UInt64(tickets.count) - (tickets.contains(joinTickets) ? 1 : 0)
    switch outcome {
    case .acked, .delivered, .sent:
      account.acknowledged = max(account.acknowledged, last)
      account.acknowledgedCount += count
    case .unknown:
      account.unknown.append(first...last)
      account.unknownCount += count
    case .notSent: account.unsent.append(first...last)
    }
  }

  func client(_ client: SessionClient, gap: GapNotice) {
    worker.ledger.noteGap(receiver: place, gap, at: LoadWorker.now)
  }

  func client(_ client: SessionClient, session notice: SessionNotice) {
    if notice.state == "replaced" { worker.takeovers += 1 }
  }

  func client(_ client: SessionClient, fault: ServerFault) { worker.noteEnding("fault: \(fault)") }

  func client(_ client: SessionClient, ended: ConnectionEnding, wasOnline: Bool, next: Reconnector.Next) {
    worker.ended(self, ended, next)
  }

  /// The old session is gone and with it the room: nothing more is owed to it, and what it had under way is uncertain.
  func retire(_ reason: String) {
    guard stage == .ready else { return }
    stage = .retired
    leaveOpen()
    worker.noteRetired(self, reason)
  }

  /// Nobody will tell what became of the sends that were not acknowledged.
  func leaveOpen() {
    if account.issued > account.acknowledged { account.unknown.append(account.acknowledged + 1...account.issued) }
  }
}
