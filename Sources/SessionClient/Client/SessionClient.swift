import NIOCore
import SessionCore
import WebSocketFrames

/// A client that keeps its session over drops: it connects, resumes, acknowledges, sends again what was lost and tells
/// what became of every send. Confined to its event loop; nothing in it waits. `ClientHandle` is for other threads.
public final class SessionClient {
  public let loop: any EventLoop
  public let configuration: Configuration
  public weak var delegate: (any SessionClientDelegate)?
  public internal(set) var session: ClientSession
  public internal(set) var reconnector: Reconnector
  /// The present connection; nil while there is none.
  public internal(set) var connection: ClientConnection?
  /// One more, on the way to take its place.
  public internal(set) var second: ClientConnection?
  /// Where the next connection goes.
  public internal(set) var url: WebSocketURL

  var actions: [ClientAction] = []
  private var isCarrying = false
  var isRenewing = false
  var random: ChaChaGenerator
  let shared: ClientLoop
  /// The next call of the timers, and one behind it that was asked for earlier and will come too. An acknowledgement
  /// is owed every moment; without the second, each would leave an entry for the far deadline behind.
  private var wokenAt = Instant.never
  private var wokenLater = Instant.never
  var blackholeEnd = Instant.never

  /// - Parameters:
  ///   - loop: every call is made on it, this one included.
  ///   - delegate: not kept alive by the client.
  ///   - shared: what the clients of one loop share where there are many.
  public init(
    _ configuration: Configuration, on loop: any EventLoop, delegate: (any SessionClientDelegate)?,
    sharing shared: ClientLoop? = nil
  ) {
    loop.preconditionInEventLoop()
    (self.configuration, self.loop, self.delegate) = (configuration, loop, delegate)
    session = ClientSession(configuration.session)
    reconnector = Reconnector(backoff: configuration.backoff, isAutomatic: configuration.autoReconnect)
    reconnector.renewsCredentials = configuration.credentials != nil
    url = configuration.connection.url
    self.shared = shared ?? ClientLoop(loop)
    if let seed = configuration.seed {
      random = ChaChaGenerator(seed: seed)
    } else {
      var system = SystemRandomNumberGenerator()
      random = ChaChaGenerator(seed: SessionClient.words(&system))
    }
  }

  private static func words(_ random: inout some RandomNumberGenerator) -> [UInt32] {
    (0..<8).map { _ in UInt32(truncatingIfNeeded: random.next() as UInt64) }
  }

  // MARK: What it knows

  public var state: Reconnector.State { reconnector.state }
  /// Welcomed, and the replay is over.
  public var isOnline: Bool { session.phase == .live }
  public var snapshot: ClientSnapshot { session.snapshot }

  /// Whether a message counts as processed when the delegate was called; else `acknowledge` or `processed(upTo:)` says
  /// so.
  public var autoAck: Bool {
    get { session.configuration.autoAck }
    set { session.configuration.autoAck = newValue }
  }

  // MARK: Connecting

  /// Connects now, to `url` from now on if one is given. Resumes the session if there is one: its token goes there, so
  /// `url` is an address of the service that gave it, or `startOver` comes first.
  public func connect(to url: WebSocketURL? = nil) {
    if let url { self.url = url }
    leaveConnection(code: 1000)
    reconnector.start()
    open()
  }

  /// Closes and stays away; the session is kept and can be resumed with `connect()`.
  public func disconnect(code: UInt16 = 1000, reason: String = "") {
    reconnector.stop(.asked)
    dropSecond()
    connection?.close(code, reason: reason)
  }

  /// Ends the session, then the connection.
  public func bye(reason: String? = nil) {
    guard session.isWelcomed else {
      session.abandon(actions: &actions)
      disconnect()
      return carry()
    }
    dropSecond()
    session.bye(reason: reason, actions: &actions)
    reconnector.stop(.asked)
    carry()
  }

  /// Ends the session if the server hears of it, which it does not if this is called while a delegate is, and gives it up in
  /// any case: it stays away until `connect`, which asks for a new one. Sends on their way are `unknown`, others `notSent`.
  public func startOver() {
    session.bye(actions: &actions)
    carry()
    reconnector.stop(.asked)
    leaveConnection(code: 1000)
    session.abandon(actions: &actions)
    carry()
  }

  /// Leaves the present connection and comes back at once on a new one; `seq` claims that nothing after it came.
  public func resume(from seq: UInt64? = nil) {
    if let seq { session.rewind(to: seq) }
    connect()
  }

  /// A new credential, after `.renewCredential`; connects again.
  public func renew(_ auth: ClientSession.Auth) {
    session.configuration.auth = auth
    reconnector.renewed()
    if connection == nil { connect() }
  }

  func open() {
    if reconnector.needsCredential, let credentials = configuration.credentials { return renew(by: credentials) }
    delegate?.client(self, connecting: reconnector.attempt)
    guard case .connecting = reconnector.state, connection == nil else { return }
    connection = makeConnection()
  }

  func makeConnection() -> ClientConnection {
    var configuration = configuration.connection
    configuration.url = url
    if self.configuration.offersSubprotocols {
      configuration.subprotocols = session.configuration.versions.sorted(by: >).map { "wscore.v\($0).json" }
    } else {
      configuration.subprotocols = []
    }
    return ClientConnection.connect(
      configuration, on: loop, random: ChaChaGenerator(seed: SessionClient.words(&random)), delegate: self)
  }

  /// Lets the connection go without waiting for its end.
  private func leaveConnection(code: UInt16, reason: String = "") {
    dropSecond()
    guard let connection else { return }
    self.connection = nil
    connection.abandon(code, reason: reason)
    session.closed(now: ClientLoop.now(), actions: &actions)
    blackholeEnd = .never
    carry()
  }

  // MARK: Faults on purpose

  public func drop(_ kind: ClientConnection.Drop) { connection?.drop(kind) }

  /// Until `endBlackhole`, or for `milliseconds`.
  public func blackhole(_ direction: ClientConnection.Direction, milliseconds: UInt64? = nil) {
    connection?.blackhole(direction)
    blackholeEnd = milliseconds.map { ClientLoop.now().advanced(byMilliseconds: $0) } ?? .never
    rearm()
  }

  public func endBlackhole() {
    blackholeEnd = .never
    connection?.endBlackhole()
  }

  // MARK: Actions

  /// Carries out what the session asked for. What a delegate adds meanwhile is carried out behind it.
  func carry() {
    guard !isCarrying else { return }
    isCarrying = true
    var index = 0
    while index < actions.count {
      let action = actions[index]
      index += 1
      carry(action)
    }
    actions.removeAll(keepingCapacity: actions.capacity <= 64)
    isCarrying = false
    rearm()
  }

  private func carry(_ action: ClientAction) {
    switch action {
    case .transmit(let bytes):
      connection?.send(bytes)
      if configuration.reportsMessages { delegate?.client(self, transmitted: bytes) }
    case .transportPing: connection?.ping()
    case .welcomed(let notice):
      // Somebody may have left meanwhile, here and below.
      guard session.isWelcomed else { return }
      reconnector.welcomed(now: ClientLoop.now())
      delegate?.client(self, welcomed: notice)
    case .live: if session.phase == .live { delegate?.clientIsLive(self) }
    case .outcome(let tickets, let outcome): delegate?.client(self, outcome: outcome, of: tickets)
    case .gap(let notice): delegate?.client(self, gap: notice)
    // That is what the second connection is for.
    case .session(let notice) where notice.state == "replaced" && session.hasOffer: break
    case .session(let notice): delegate?.client(self, session: notice)
    case .draining(let notice):
      reconnector.draining(
        reconnectAfterMilliseconds: notice.reconnectAfterMilliseconds, now: ClientLoop.now())
      delegate?.client(self, draining: notice)
    case .retryAfter(let milliseconds): reconnector.advised(waitMilliseconds: milliseconds)
    case .fault(let fault): delegate?.client(self, fault: fault)
    case .close(let code, let reason):
      guard session.phase == .failed, let fault = session.fault else { return }
      leave(.faulted(fault), ending: .dropped(code: code.rawValue), reason: reason)
    }
  }

  /// Ends the connection ourselves, and counts it as ended at once.
  private func leave(_ why: Reconnector.Ending, ending: ConnectionEnding, reason: String) {
    guard let connection else { return }
    self.connection = nil
    if case .dropped(let code?) = ending { connection.abandon(code, reason: reason) }
    ended(ending, why)
  }

  private func isSessionGone(_ why: Reconnector.Ending, _ next: Reconnector.Next) -> Bool {
    if case .connectAnew = next { return true }
    if case .closed(let code, _) = why { return code.saysSessionIsGone }
    return false
  }

  func ended(_ ending: ConnectionEnding, _ why: Reconnector.Ending) {
    let wasOnline = session.isWelcomed || session.phase == .leaving || reconnector.state == .online
    let now = ClientLoop.now()
    dropSecond()
    session.closed(now: now, actions: &actions)
    blackholeEnd = .never
    let next = reconnector.ended(why, now: now, using: &random)
    if isSessionGone(why, next) { session.forget(actions: &actions) }
    delegate?.client(self, ended: ending, wasOnline: wasOnline, next: next)
    carry()
  }

  // MARK: Time

  func rearm() {
    let deadline = min(session.nextDeadline, reconnector.nextDeadline, blackholeEnd, session.offerDeadline)
    guard deadline < wokenAt else { return }
    wokenLater = min(wokenAt, wokenLater)
    wokenAt = deadline
    shared.set(self, at: deadline)
  }

  func woken(for deadline: Instant, now: Instant) {
    guard deadline == wokenAt else {
      // It has come, and an earlier one was asked for in the same run.
      if deadline == wokenLater { wokenLater = .never }
      return
    }
    (wokenAt, wokenLater) = (wokenLater, .never)
    if blackholeEnd <= now { endBlackhole() }
    if session.offerDeadline <= now { dropSecond() }
    session.advance(now: now, actions: &actions)
    carry()
    switch reconnector.due(now: now) {
    case .nothing: break
    case .connect: open()
    case .moveOver: moveOver()
    }
    rearm()
  }
}
