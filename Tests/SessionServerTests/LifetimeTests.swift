import SessionCore
import SessionServer
import Testing

/// What is left of a server that has ended: nothing. Its hooks are held by every part of it, so one that is released
/// shows that all of them are.
@Suite struct LifetimeTests {
  private final class Hook: LifecycleObserver {
    func observe(_ event: LifecycleEvent) {}
  }

  /// Outlives the server without holding any of it.
  private final class Witness {
    private weak var hook: Hook?

    init(_ hook: Hook) { self.hook = hook }

    /// Looks for a while, since a thread that ends may hold on for a moment longer.
    func seesRelease() async -> Bool {
      let deadline = ContinuousClock.now + .seconds(20)
      while hook != nil, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(10)) }
      return hook == nil
    }
  }

  /// Why a start fails, in the order in which it would.
  enum Obstacle: CaseIterable, Sendable {
    case adminSocket, apiPort, port, unixSocket

    func lie(in configuration: inout ServerConfiguration, takenPort: Int) {
      let nowhere = temporaryPath() + "/socket"
      switch self {
      case .adminSocket: configuration.adminSocketPath = nowhere
      case .apiPort:
        var api = BackendAPIConfiguration(secret: Secret("a secret of the test"))
        api.port = takenPort
        configuration.api = api
      case .port: configuration.port = takenPort
      case .unixSocket: configuration.unixSocket = UnixSocketSettings(path: nowhere)
      }
    }
  }

  private func configuration() -> ServerConfiguration {
    var configuration = ServerConfiguration()
    (configuration.port, configuration.loopCount, configuration.drainTimeoutMilliseconds) = (0, 2, 0)
    return configuration
  }

  private func failToStart(_ configuration: ServerConfiguration) async -> Witness {
    let hook = Hook()
    let server = SessionServer(configuration, observer: hook)
    await #expect(throws: ServerError.self) { try await server.start() }
    return Witness(hook)
  }

  @Test(arguments: Obstacle.allCases)
  func aStartThatFailsLeavesNothing(obstacle: Obstacle) async throws {
    let other = SessionServer(configuration())
    try await other.start()
    var configuration = configuration()
    obstacle.lie(in: &configuration, takenPort: other.boundPort ?? 0)
    let witness = await failToStart(configuration)
    await other.shutdown()
    #expect(await witness.seesRelease())
  }

  /// With a session on a connection, one that waits for its client, and a room that both are in.
  private func serve(_ transport: TestTransport) async throws -> Witness {
    let hook = Hook()
    let server = SessionServer(configuration(), observer: hook)
    server.addBuiltins()
    try await server.start()
    do {
      let members = ["ann", "ben"].map { TestMember(server, user: $0) }
      for member in members {
        try await member.connect(transport)
        try await member.join("r")
      }
      await members[0].drop()
      #expect(await server.publish("chat", to: "r", payload: [0x31]).sessionCount == 2)
    } catch {
      await server.shutdown()
      throw error
    }
    await server.shutdown()
    return Witness(hook)
  }

  @Test(arguments: TestTransport.allCases)
  func aShutdownLeavesNothing(transport: TestTransport) async throws {
    let witness = try await serve(transport)
    #expect(await witness.seesRelease())
  }
}
