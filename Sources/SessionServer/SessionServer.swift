import Glibc
import Logging
import NIOCore
import NIOPosix
import SessionCore
import Synchronization

/// A WebSocket server of sessions that survive their connections.
///
///     let server = SessionServer()
///     server.on("whoami") { event, session in .reply(JSONValue.string(session.principal.user).bytes) }
///     try await server.run()
public final class SessionServer: Sendable {
  private enum State {
    case building(HandlerTable)
    case starting
    case running(Running)
    case stopped
  }

  private let configuration: ServerConfiguration
  private let hooks: Hooks
  private let logger: Logger
  private let state = Mutex(State.building(HandlerTable()))
  /// The end is wanted now, whoever is connected.
  private let mustHurry = Atomic(false)

  /// - Parameters:
  ///   - authorizer: nil lets everyone into every room.
  ///   - restorer: nil begins a session anew when the one that a client wants is gone.
  public init(
    _ configuration: ServerConfiguration = ServerConfiguration(),
    authenticator: any Authenticator = OpenAuthenticator(),
    authorizer: (any RoomAuthorizer)? = nil, restorer: (any Restorer)? = nil, observer: (any LifecycleObserver)? = nil,
    broker: any Broker = MemoryBroker(), logger: Logger = Logger(label: "wscore")
  ) {
    self.configuration = configuration
    hooks = Hooks(
      authenticator: authenticator, authorizer: authorizer, restorer: restorer, observer: observer, broker: broker)
    self.logger = logger
  }

  // MARK: Handlers

  /// Registers a handler for an event in some of its own schema versions. Before the start; one handler for a version.
  public func on(_ event: String, versions: ClosedRange<UInt64> = 1...1, _ handler: @escaping Handler) {
    build { $0.add(event, versions, .immediate(handler)) }
  }

  /// Registers a handler that waits for something.
  public func onAsync(_ event: String, versions: ClosedRange<UInt64> = 1...1, _ handler: @escaping AsyncHandler) {
    build { $0.add(event, versions, .async(handler)) }
  }

  /// Takes every event that has no handler of its own, those with a room included.
  public func onOther(_ handler: @escaping Handler) { build { $0.setFallback(.immediate(handler)) } }

  /// Registers a handler that waits for something for every event, in any version, that fits the pattern.
  public func onAsync(matching pattern: EventPattern, _ handler: @escaping AsyncHandler) {
    build { $0.add(pattern, .async(handler)) }
  }

  func build(_ change: (inout HandlerTable) -> Void) {
    state.withLock { state in
      guard case .building(var table) = state else { preconditionFailure("handlers are registered before the start") }
      change(&table)
      state = .building(table)
    }
  }

  // MARK: Life

  /// Starts, calls `whenListening`, waits for SIGTERM or SIGINT, lets the clients go in an orderly way and returns. A
  /// second signal ends it at once. SIGHUP means `reload`.
  /// - Throws: `ServerError`.
  public func run(whenListening: @Sendable (SessionServer) throws -> Void = { _ in }) async throws {
    // Before the start, so that no signal falls between.
    let signals = OperatorSignals()
    try await start()
    do {
      try whenListening(self)
    } catch {
      hurry()
      await shutdown()
      throw error
    }
    await reloadUntilTermination(signals)
    let second = Task {
      for await number in signals where number != SIGHUP { self.hurry() }
    }
    await shutdown()
    second.cancel()
  }

  private func reloadUntilTermination(_ signals: OperatorSignals) async {
    for await number in signals {
      guard number == SIGHUP else { return }
      await reload()
    }
  }

  /// Has the hooks that keep files read them anew, and the certificates. Sessions and connections that are there are not
  /// touched; a client that resumes is judged by what was read last.
  public func reload() async {
    let tls = running?.services.tls
    if hooks.reloadable.isEmpty, tls == nil { logger.notice("nothing to reload") }
    tls?.reload()
    for hook in hooks.reloadable { await hook.reload() }
  }

  /// Listens. Returns when clients can connect.
  /// - Throws: `ServerError`.
  public func start() async throws {
    let table = try takeTable()
    do {
      let running = try await Running.start(configuration, table, hooks, logger)
      state.withLock { $0 = .running(running) }
    } catch {
      state.withLock { $0 = .stopped }
      throw error
    }
  }

  private func takeTable() throws -> HandlerTable {
    try state.withLock { state in
      guard case .building(let table) = state else { throw ServerError.startedAlready }
      state = .starting
      return table
    }
  }

  /// Lets the clients go: new sessions are refused, those that are there are told to come back elsewhere or later, and
  /// are closed with 1012 when `drainTimeoutMilliseconds` are over. Returns when nothing of the server is left.
  public func shutdown() async {
    guard let running else { return }
    await running.drain { self.mustHurry.load(ordering: .relaxed) }
    await running.stop()
    state.withLock { $0 = .stopped }
  }

  /// Cuts a `shutdown` that is under way, or will be, short.
  public func hurry() { mustHurry.store(true, ordering: .relaxed) }

  private var running: Running? {
    state.withLock { state in if case .running(let running) = state { running } else { nil } }
  }

  /// The port that is listened on; nil unless the server runs.
  public var boundPort: Int? { running?.port }

  /// The port on which backends are listened to; nil unless there is one and the server runs.
  public var boundAPIPort: Int? { running?.api?.channel.localAddress?.port }

  /// Why operators cannot reach the server, where the configuration lets it start without.
  public var adminSocketFault: ServerError? { running?.adminFault }

  /// Connections now, of every transport.
  public var connectionCount: Int { running?.services.connectionCount.load(ordering: .relaxed) ?? 0 }

  /// A connection without a network: the same sessions, hooks and bounds as over any transport.
  /// - Parameter credential: as `Authorization: Bearer` would bring it; `hello.auth` works too.
  /// - Throws: `InProcessConnection.Closed` if the server does not run (1012) or has all the connections it can take (1013).
  public func connectInProcess(
    credential: Secret? = nil
  ) async throws(InProcessConnection.Closed) -> InProcessConnection {
    guard let running else {
      throw InProcessConnection.Closed(code: CloseCode.restart.rawValue, reason: "the server does not run")
    }
    return try await running.connectInProcess(credential: credential)
  }

  // MARK: Commands

  /// Publishes from the server itself. `.published` tells to how many members, `.notFound` that the room has none.
  /// - Parameters:
  ///   - key: a later event with the same key may replace this one where it still waits.
  ///   - isTransient: it goes to who can take it now and is not kept.
  public func publish(
    _ event: String, to room: String, version: UInt64 = 1, key: String? = nil, isTransient: Bool = false,
    payload: [UInt8]
  ) async -> CommandResult {
    let event = RoomEvent(
      event: event, eventVersion: version, key: key, isTransient: isTransient, payload: payload)
    return await execute(.publish(room: room, event))
  }

  /// Sends to one session, or to all of a user's. `.done` tells to how many.
  public func send(
    _ event: String, to target: Target, version: UInt64 = 1, payload: [UInt8]
  ) async -> CommandResult {
    await execute(.send(target, event: event, eventVersion: version, payload: payload))
  }

  /// Ends a session: its client is told `revoked` and closed with 4507.
  public func kick(_ session: SessionID, reason: String) async -> CommandResult {
    await execute(.kick(session, reason: reason))
  }

  /// Asks a session's client to come back on a new connection in so many milliseconds; the present one goes on until
  /// then. `.done(0)`: it has none.
  public func advise(_ session: SessionID, toReconnectAfterMilliseconds delay: UInt64 = 0) async -> CommandResult {
    await execute(.advise(session, reconnectAfterMilliseconds: delay))
  }

  /// Takes no more sessions and asks the clients to come back elsewhere, spread over the time; serves them until they
  /// do. `undrain` takes it back.
  public func drain(overMilliseconds spread: UInt64) {
    if let running { DrainSwitch(services: running.services, peers: running.peers).drain(overMilliseconds: spread) }
  }

  /// Takes sessions again. False if the server does not run, or is going down.
  public func undrain() -> Bool {
    running.map { DrainSwitch(services: $0.services, peers: $0.peers).undrain() } ?? false
  }

  /// Ends all sessions of a user, suspended ones too. `.done` tells how many.
  public func kick(user: String, reason: String) async -> CommandResult {
    await execute(.kickUser(user, reason: reason))
  }

  private func execute(_ command: Command) async -> CommandResult {
    guard let running else {
      return .refused(ProtocolError("server.draining", "the server does not run", retry: .later))
    }
    return await running.peers[0].execute(command)
  }
}
