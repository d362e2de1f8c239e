import NIOCore
import SessionClient
import SessionCore
import WebSocketFrames

/// The part of `SessionLink` that lives on the event loop: it turns what the library tells into events.
final class LoopSide: SessionClientDelegate {
  let mailbox: LinkMailbox
  private(set) var client: SessionClient
  private let tally: Tally
  /// Fulfilled when the connection has ended, once the end was asked for.
  private var closed: EventLoopPromise<Void>?
  /// The end of the connection has been asked for, and has not come. It never comes if the next one is made before.
  private var isDisconnecting = false

  init(
    _ configuration: SessionClient.Configuration, _ loop: any EventLoop, _ mailbox: LinkMailbox, _ tally: Tally
  ) {
    self.mailbox = mailbox
    self.tally = tally
    client = SessionClient(configuration, on: loop, delegate: nil)
    client.delegate = self
  }

  func disconnect(code: UInt16) {
    isDisconnecting = client.connection != nil
    client.disconnect(code: code)
  }

  func connect(to url: WebSocketURL) {
    isDisconnecting = false
    if client.url != url { client.startOver() }
    client.connect(to: url)
  }

  func resume(from seq: UInt64?) {
    isDisconnecting = false
    client.resume(from: seq)
  }

  /// Whoever leaves for good does not come back: a session that is online ends, instead of staying a member of its rooms
  /// until its time is over.
  func stop(_ promise: EventLoopPromise<Void>) {
    if client.connection == nil { promise.succeed() } else { closed = promise }
    if client.isOnline { client.bye() } else { client.disconnect() }
  }

  func client(_ client: SessionClient, connecting attempt: Int) { mailbox.post(.connecting(attempt: attempt)) }

  func clientIsLive(_ client: SessionClient) { mailbox.post(.online) }

  func client(_ client: SessionClient, transmitted bytes: [UInt8]) { mailbox.post(.frame(.out, bytes)) }

  func client(_ client: SessionClient, arrived bytes: Span<UInt8>) {
    mailbox.post(.frame(.in, bytes.withUnsafeBufferPointer { Array($0) }))
  }

  func client(_ client: SessionClient, outcome: SendOutcome, of tickets: ClosedRange<UInt64>) {
    tally.add(-tickets.count)
    if outcome == .notSent { mailbox.post(.refused("\(tickets.count) sends never left: the session ended first")) }
  }

  func client(_ client: SessionClient, ended ending: ConnectionEnding, wasOnline: Bool, next: Reconnector.Next) {
    var told = LoopSide.ending(ending, next, client.session.lastError)
    told.next = ConnectAdvice.next(ending, client.url)
    mailbox.post(.ended(told, wasConnected: wasOnline, retries: LoopSide.retries(next), wasAsked: isDisconnecting))
    isDisconnecting = false
    closed?.succeed()
    closed = nil
  }

  // MARK: Words

  private static func retries(_ next: Reconnector.Next) -> Bool {
    switch next {
    case .connect, .connectAnew: true
    case .renewCredential, .stop: false
    }
  }

  /// What the end means for a person, and for the exit status where the close code does not say it.
  private static func ending(
    _ ending: ConnectionEnding, _ next: Reconnector.Next, _ error: ProtocolError?
  ) -> LinkState.Ending {
    if case .stop(.serverFault(let fault)) = next {
      return .init(code: nil, reason: "the server broke the protocol: \(fault)", status: .protocolError)
    }
    switch ending {
    case .connectFailed(let reason): return .init(code: nil, reason: reason)
    case .refused(let status, _):
      let isRight = status == 401 || status == 403
      return .init(
        code: nil, reason: "the server answers HTTP \(status)",
        status: isRight ? .notPermitted : status == 503 ? .tryAgain : .unavailable)
    case .insecure(let fault): return .init(code: nil, reason: "\(fault)", status: fault.status)
    case .notWebSocket(let reason):
      return .init(code: nil, reason: "this is no WebSocket server: \(reason)", status: .protocolError)
    case .closed(let code, let reason, let wasClean):
      let said = error.map { "\($0.code): \($0.message)" } ?? reason
      return .init(code: code, reason: said.isEmpty && !wasClean ? "without a Close frame" : said)
    case .violation(let code, let reason):
      return .init(code: code, reason: "the server broke RFC 6455: \(reason)", status: .protocolError)
    case .dropped(let code): return .init(code: code, reason: "left from here")
    }
  }
}

extension SessionOptions {
  /// The network as these options ask for it.
  /// - Throws: `CLIError` when the URL or the credential cannot be used.
  func link(to url: String, tls: ClientTLS?, _ mailbox: LinkMailbox) throws(CLIError) -> any Link {
    let parsed = try SessionLink.parse(url)
    var configuration: SessionClient.Configuration
    do throws(ClientError) {
      configuration = try SessionClient.Configuration(parsed)
    } catch {
      throw .usage("\(error)")
    }
    configuration.connection.tls = tls
    configuration.session.versions = [version == .v1 ? 1 : 2]
    configuration.session.auth = try auth()
    // The file may have a new one by then; the same one again does where the server only wants to see it.
    configuration.credentials = { try auth() }
    configuration.session.instance = instance
    configuration.session.autoAck = !noAck
    if let window { configuration.session.window = Window(messageCount: window) }
    if let ttl { configuration.session.ttlMilliseconds = UInt64(max(0, Quantity.nanoseconds(ttl) / 1_000_000)) }
    configuration.autoReconnect = reconnect
    // One person waits, and cuts the connection on purpose: no crowd has to be spread.
    configuration.backoff = Backoff(floorMilliseconds: 100, ceilingMilliseconds: 5_000, stableMilliseconds: 1_000)
    configuration.reportsMessages = true
    return try SessionLink(configuration, mailbox)
  }
}
