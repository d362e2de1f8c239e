import Glibc
import Logging
import NIOCore
import NIOPosix
import SessionCore
import SocketReactor
import Synchronization

/// A server between its start and its end.
struct Running: Sendable {
  let services: Services
  let peers: [Peer]
  /// Of the network; nil where none is listened on.
  let port: Int?
  private let entrances: [any Entrance]
  private let unixSocket: UnixSocket?
  private let loops: ServerLoops
  private let admin: AdminServer?
  /// For backends, if it is wanted.
  let api: HTTPServer?
  /// Why there is no `admin` though one was wanted.
  let adminFault: ServerError?
  private let reloading: Task<Void, Never>?
  private let trimming: Task<Void, Never>

  static func start(
    _ configuration: ServerConfiguration, _ table: HandlerTable, _ hooks: Hooks, _ logger: Logger
  ) async throws -> Running {
    try configuration.checkFiles()
    var configuration = configuration
    configuration.resolveHost()
    let services = try Services(
      configuration: configuration, handlers: table.entries, deprecations: table.events.deprecations, hooks: hooks,
      logger: logger)
    let loops = try ServerLoops(configuration, logger)
    var (admin, adminFault): (AdminServer?, ServerError?)
    var api: HTTPServer?
    var peers: [Peer] = []
    do {
      peers = try await makePeers(loops.group, services, table, hooks.broker)
      let desk = ShardDesk(services: services, peers: peers)
      if let path = configuration.adminSocketPath {
        do {
          let responder = AdminResponder(desk: desk, startedAt: .now, io: loops.io)
          admin = try await AdminServer.start(path, responder)
        } catch let fault as ServerError where configuration.isAdminSocketOptional {
          adminFault = fault
        }
      }
      if let configuration = configuration.api { api = try await BackendAPI.start(desk, configuration) }
      let (entrances, unixSocket) = try await loops.listener(services, peers).listen(configuration)
      let keeper = MemoryKeeper(services: services, peers: peers, loops: loops)
      return Running(
        services: services, peers: peers, port: entrances.lazy.compactMap(\.port).first, entrances: entrances,
        unixSocket: unixSocket, loops: loops, admin: admin, api: api, adminFault: adminFault,
        reloading: watch(hooks.reloadable, everyMilliseconds: configuration.reloadCheckMilliseconds),
        trimming: Task { await keeper.run() })
    } catch {
      await admin?.stop()
      await api?.stop()
      await stop(peers)
      try? await loops.group.shutdownGracefully()
      throw error
    }
  }

  // MARK: Start

  private static func makePeers(
    _ group: any EventLoopGroup, _ services: Services, _ table: HandlerTable, _ broker: any Broker
  ) async throws -> [Peer] {
    let broken = table.events.brokenChains
    precondition(broken.isEmpty, "the casts of \(broken.joined(separator: ", ")) leave a version out")
    let loops = Array(group.makeIterator())
    var peers: [Peer] = []
    for (index, loop) in loops.enumerated() {
      let configuration = ShardConfiguration(
        index: index, count: loops.count, limits: services.configuration.limits, dispatcher: table.dispatcher,
        server: services.configuration.serverName, asksAuthorizer: services.authorizer != nil,
        asksRestorer: services.restorer != nil, checksPermissions: services.configuration.checksPermissions,
        events: table.events)
      peers.append(try await makePeer(loop, services, configuration))
    }
    let all = peers
    for peer in all { try await peer.read { $0.connect(to: all, broker) } }
    return all
  }

  private static func makePeer(
    _ loop: any EventLoop, _ services: Services, _ configuration: ShardConfiguration
  ) async throws -> Peer {
    let mailbox = Mailbox<Mail>()
    let driver = try await loop.submit {
      var random = SystemRandomNumberGenerator()
      let seed: [UInt32] = (0..<8).map { _ in random.next() }
      let driver = ShardDriver(
        index: configuration.index, loop: loop, services: services, mailbox: mailbox,
        shard: Shard(configuration: configuration, random: ChaChaGenerator(seed: seed)))
      return NIOLoopBound(driver, eventLoop: loop)
    }.get()
    return Peer(loop: loop, mailbox: mailbox, driver: driver)
  }

  /// Looks at the files of hooks from time to time.
  private static func watch(
    _ hooks: [any ReloadableHook], everyMilliseconds interval: UInt64
  ) -> Task<Void, Never>? {
    guard interval > 0, !hooks.isEmpty else { return nil }
    return Task {
      while (try? await Task.sleep(for: .milliseconds(interval))) != nil {
        for hook in hooks { await hook.reloadIfChanged() }
      }
    }
  }

  /// On the loops in turn.
  func connectInProcess(
    credential: Secret?
  ) async throws(InProcessConnection.Closed) -> InProcessConnection {
    guard !services.isFull else {
      throw InProcessConnection.Closed(code: CloseCode.tryLater.rawValue, reason: "too many connections")
    }
    let number = services.inProcessCount.wrappingAdd(1, ordering: .relaxed).oldValue
    let peer = peers[number % peers.count]
    let pipe = InProcessPipe(loop: peer.loop)
    do {
      try await peer.read { driver in
        _ = driver.readClock()
        pipe.open(driver, credential: credential)
      }
    } catch {
      throw InProcessConnection.Closed(code: CloseCode.restart.rawValue, reason: "the server does not run")
    }
    return InProcessConnection(pipe)
  }

  // MARK: End

  /// Waits until every connection is gone, the time is over or `mustHurry` says so; then closes what is left.
  func drain(mustHurry: @Sendable () -> Bool) async {
    services.isStopping.store(true, ordering: .relaxed)
    services.isDraining.store(true, ordering: .relaxed)
    let timeout = services.configuration.drainTimeoutMilliseconds
    let count = services.connectionCount.load(ordering: .relaxed)
    services.logger.notice("draining", metadata: ["connections": .stringConvertible(count), "timeout_ms": .stringConvertible(timeout)])
    // The last quarter is left for those that come back late.
    for peer in peers {
      peer.post(.startDraining(spreadMilliseconds: timeout / 4 * 3, deadlineMilliseconds: timeout))
    }
    await wait(milliseconds: timeout) { mustHurry() || services.connectionCount.load(ordering: .relaxed) == 0 }
    let cutCount = services.connectionCount.load(ordering: .relaxed)
    for peer in peers { peer.post(.closeAll(.restart, reason: "the server stops")) }
    // Longer than a connection may take to close.
    await wait(milliseconds: ConnectionHandler.lingerMilliseconds + 500) {
      mustHurry() || services.transportCount.load(ordering: .relaxed) == 0
    }
    services.logger.notice("drained", metadata: ["connections_closed": .stringConvertible(cutCount)])
  }

  /// Looks every 10 ms: a stop is rare, and nothing on the data path has to know of it.
  private func wait(milliseconds: UInt64, until isDone: @Sendable () -> Bool) async {
    let deadline = ContinuousClock.now + .milliseconds(milliseconds)
    while !isDone(), ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(10)) }
  }

  func stop() async {
    reloading?.cancel()
    trimming.cancel()
    // It holds the drivers until then.
    await trimming.value
    await admin?.stop()
    await api?.stop()
    unixSocket?.remove()
    for entrance in entrances { await entrance.close() }
    await Running.stop(peers)
    try? await loops.group.shutdownGracefully()
  }

  /// A driver holds its peers, and they hold it: none is released unless all of them let go.
  private static func stop(_ peers: [Peer]) async {
    for peer in peers { try? await peer.read { $0.stop() } }
  }
}
