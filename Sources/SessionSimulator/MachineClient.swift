import SessionCore

/// A client that is the client library's own state machine.
final class MachineClient: SimulatedClient {
  let number: Int
  var wire: Wire?
  var record = Record()
  private var session: ClientSession
  private var ids: [UInt64: String] = [:]
  private var last: String?

  init(number: Int) {
    self.number = number
    var configuration = ClientSession.Configuration()
    configuration.auth = ClientSession.Auth(scheme: "none", credential: Secret("user-\(number % 3)"))
    configuration.window = Window(messageCount: number % 2 == 0 ? 256 : 8, byteCount: 1 << 20)
    session = ClientSession(configuration)
  }

  var isWelcome: Bool { session.isWelcomed }
  var pendingCount: Int { session.unackedCount + session.queuedCount }

  func opened(now: Instant) -> [String] { act { $0.opened(now: now, actions: &$1) } }

  func closed(now: Instant) { _ = act { $0.closed(now: now, actions: &$1) } }

  func advance(now: Instant) -> [String] {
    guard session.nextDeadline <= now else { return [] }
    return act { $0.advance(now: now, actions: &$1) }
  }

  func hear(_ bytes: [UInt8], now: Instant) -> [String] {
    session.heard(now: now)
    var isNew = false
    let texts = act { session, actions in
      isNew = session.receive(bytes.span, now: now, actions: &actions) != nil
      session.flush(now: now, actions: &actions)
    }
    if let message = try? JSONValue(parsing: bytes) {
      note(message)
      if isNew { record.read(message) }
    }
    return texts
  }

  func send(_ sending: Sending, id: String, now: Instant) -> [String] {
    guard pendingCount < 64 else { return [] }
    return act { session, actions in
      do throws(SendFault) {
        let ticket =
          switch sending {
          case .publish(let room):
            try session.send(event: "chat", payload: [0x31], room: room, id: id, now: now, actions: &actions)
          case .echo: try session.send(event: "echo", payload: [0x32], id: id, now: now, actions: &actions)
          case .join(let room): try session.join(room, id: id, now: now, actions: &actions)
          case .leave(let room): try session.leave(room, id: id, now: now, actions: &actions)
          }
        ids[ticket] = id
      } catch {
        record.faults.append("could not send: \(error)")
      }
    }
  }

  func again() -> [String] { session.unackedCount > 0 ? last.map { [$0] } ?? [] : [] }

  /// Runs one event of the machine; returns what it sends.
  private func act(_ body: (inout ClientSession, inout [ClientAction]) -> Void) -> [String] {
    var actions: [ClientAction] = []
    body(&session, &actions)
    var texts: [String] = []
    for action in actions {
      switch action {
      case .transmit(let bytes):
        let text = String(decoding: bytes, as: UTF8.self)
        if text.contains(#""seq""#) { last = text }
        texts.append(text)
      case .welcomed(let welcome): welcomed(welcome)
      case .outcome(let tickets, let outcome): settle(tickets, outcome)
      case .gap(let gap): record.gapCount += gap.count
      case .fault(let fault): record.faults.append("fault of the server: \(fault)")
      default: break
      }
    }
    return texts
  }

  private func welcomed(_ welcome: WelcomeNotice) {
    if welcome.isResumed {
      record.resumed += 1
    } else {
      if welcome.reason != nil { record.renewed += 1 }
      record.rooms = [:]
      last = nil
    }
  }

  private func settle(_ tickets: ClosedRange<UInt64>, _ outcome: SendOutcome) {
    for ticket in tickets {
      guard let id = ids.removeValue(forKey: ticket) else {
        record.faults.append("two outcomes of send \(ticket)")
        continue
      }
      switch outcome {
      case .acked, .delivered, .sent: record.acknowledged.insert(id)
      case .unknown, .notSent: record.unknown.insert(id)
      }
    }
  }
}
