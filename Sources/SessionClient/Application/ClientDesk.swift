import DequeModule
import NIOCore
import SessionCore

/// What stands between a client on its loop and the tasks that use it: who waits for which answer, and what was not
/// read yet.
final class ClientDesk {
  private struct Request {
    var ticket: UInt64
    var waiter: Waiter<IncomingMessage>
  }

  private(set) var client: SessionClient
  private var connecting: [Waiter<Void>] = []
  private var requests: [String: Request] = [:]
  /// Tickets of the requests, in order, with their ids; answered ones are passed over.
  private var tickets: Deque<(ticket: UInt64, id: String)> = []
  private var serial: UInt64 = 0
  private var stream: AsyncStream<IncomingMessage>.Continuation?
  /// Numbers of what the reader has not dealt with.
  private var unread: Deque<UInt64> = []
  private var lastEnding: ConnectionEnding?

  /// Messages without a number are dropped when so many wait; the server's window bounds the others.
  private static let streamLimit = 4_096

  init(_ configuration: SessionClient.Configuration, _ loop: any EventLoop) {
    client = SessionClient(configuration, on: loop, delegate: nil)
    client.delegate = self
  }

  func connect(_ waiter: Waiter<Void>) {
    if client.isOnline { return waiter.resume(.success(())) }
    connecting.append(waiter)
    switch client.state {
    case .offline, .stopped, .waiting: client.connect()
    case .connecting, .online: break
    }
  }

  /// Closes and stays away; who waits for a connection waits no longer.
  func disconnect() {
    client.disconnect()
    if client.connection == nil { failConnecting(.asked) }
  }

  /// Nobody uses the client any more.
  func retire() {
    stream?.finish()
    stream = nil
    disconnect()
  }

  func request(
    _ waiter: Waiter<IncomingMessage>, _ send: (SessionClient, String) throws(SendFault) -> UInt64
  ) {
    guard !waiter.isDone else { return }
    serial += 1
    let id = "r-\(serial)"
    do throws(SendFault) {
      let ticket = try send(client, id)
      requests[id] = Request(ticket: ticket, waiter: waiter)
      tickets.append((ticket, id))
    } catch {
      waiter.resume(.failure(ClientError.send(error)))
    }
  }

  // MARK: The reader

  func openStream() -> AsyncStream<IncomingMessage> {
    stream?.finish()
    let (stream, continuation) = AsyncStream<IncomingMessage>.makeStream(
      bufferingPolicy: .bufferingOldest(ClientDesk.streamLimit))
    self.stream = continuation
    unread = []
    client.autoAck = false
    return stream
  }

  func consumed(_ seq: UInt64) {
    while let first = unread.first, first <= seq { unread.removeFirst() }
    acknowledge()
  }

  /// Everything before the first message that was not dealt with is processed.
  private func acknowledge() {
    guard !client.autoAck else { return }
    client.processed(upTo: unread.first.map { $0 - 1 } ?? client.session.lastIn)
  }

  private func hand(_ envelope: Envelope, _ bytes: Span<UInt8>) {
    guard let stream else { return }
    switch stream.yield(IncomingMessage(envelope, bytes)) {
    case .enqueued: if let seq = envelope.seq { unread.append(seq) }
    case .dropped:
      // Only a server that does not keep to the window sends so much; the rest comes again after a resume.
      if let seq = envelope.seq { client.resume(from: seq - 1) }
    case .terminated:
      self.stream = nil
      unread = []
      client.autoAck = true
    @unknown default: break
    }
  }

  // MARK: Endings

  private func answer(_ id: String, _ result: Result<IncomingMessage, any Error>) {
    requests.removeValue(forKey: id)?.waiter.resume(result)
    while let first = tickets.first, requests[first.id] == nil { tickets.removeFirst() }
  }

  private func fail(_ range: ClosedRange<UInt64>, _ error: ClientError) {
    let ids = tickets.filter { range.contains($0.ticket) }.map(\.id)
    for id in ids { answer(id, .failure(error)) }
  }
}

extension ClientDesk: SessionClientDelegate {
  func clientIsLive(_ client: SessionClient) {
    let waiters = connecting
    connecting = []
    for waiter in waiters { waiter.resume(.success(())) }
  }

  func client(_ client: SessionClient, received envelope: Envelope, _ bytes: Span<UInt8>) {
    guard let re = envelope.re?.decoded(bytes), requests[re] != nil else { return hand(envelope, bytes) }
    let message = IncomingMessage(envelope, bytes)
    answer(re, message.error.map { .failure($0) } ?? .success(message))
  }

  func clientReadComplete(_ client: SessionClient) { acknowledge() }

  func client(_ client: SessionClient, welcomed notice: WelcomeNotice) {
    // Numbers of another session say nothing about this one.
    if client.session.lastIn == 0 { unread = [] }
    // The answers to what an older session had processed went with it.
    if !notice.isResumed { failSettled(.answerLost) }
  }

  func client(_ client: SessionClient, outcome: SendOutcome, of tickets: ClosedRange<UInt64>) {
    switch outcome {
    case .acked, .sent: break
    case .delivered: fail(tickets, .answerLost)
    case .unknown: fail(tickets, .unknownOutcome)
    case .notSent: fail(tickets, .notSent)
    }
  }

  func client(_ client: SessionClient, ended ending: ConnectionEnding, wasOnline: Bool, next: Reconnector.Next) {
    lastEnding = ending
    // Version 1 promises nothing over a drop.
    if client.session.version == 1 { failSettled(.unknownOutcome) }
    let reason: StopReason
    switch next {
    case .connect, .connectAnew: return
    case .renewCredential: reason = .credential
    case .stop(let why): reason = why
    }
    failConnecting(reason)
  }

  private func failConnecting(_ reason: StopReason) {
    let waiters = connecting
    connecting = []
    for waiter in waiters { waiter.resume(.failure(ClientError.stopped(reason, lastEnding))) }
  }

  /// Requests whose sends are settled and whose answers will not come.
  private func failSettled(_ error: ClientError) {
    let open = client.session.firstOpenTicket
    if open > 1 { fail(1...open - 1, error) }
  }
}
