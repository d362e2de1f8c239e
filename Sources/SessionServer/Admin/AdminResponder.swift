import Glibc
import SessionCore
import Synchronization
import WebSocketFrames

/// What an operator gets for a request.
struct AdminResponse: Sendable {
  typealias Writer = @Sendable ([UInt8]) async throws -> Void

  enum Body: Sendable {
    case whole([UInt8])
    /// Written piece by piece, each when the one before is on its way; ends with the connection.
    case pieces(@Sendable (Writer) async throws -> Void)
  }

  var status: Int
  var contentType: String
  var body: Body

  static func json(_ value: JSONValue, status: Int = 200) -> AdminResponse {
    AdminResponse(status: status, contentType: "application/json", body: .whole(value.line))
  }

  static func text(_ text: String, status: Int = 200) -> AdminResponse {
    AdminResponse(status: status, contentType: "text/plain; charset=utf-8", body: .whole(Array((text + "\n").utf8)))
  }

  static func error(_ status: Int, _ text: String) -> AdminResponse {
    json(.members(["error": .string(text)]), status: status)
  }

  static func lines(_ write: @escaping @Sendable (Writer) async throws -> Void) -> AdminResponse {
    AdminResponse(status: 200, contentType: "application/x-ndjson", body: .pieces(write))
  }

  /// One line for each value, some hundred lines a piece.
  static func lines(_ values: [JSONValue]) -> AdminResponse {
    lines { write in
      for start in stride(from: 0, to: values.count, by: 256) {
        try await write(values[start..<min(start + 256, values.count)].flatMap(\.line))
      }
    }
  }
}

/// Answers operators' requests out of what the shards tell.
struct AdminResponder: Sendable {
  let services: Services
  let peers: [Peer]
  let startedAt: ContinuousClock.Instant

  func respond(method: String, path: String, query: String?) async -> AdminResponse {
    do {
      return try await respond(try AdminRoute(method: method, path: path, query: query))
    } catch let fault as AdminRoute.Fault {
      return .error(fault.status, fault.text)
    } catch {
      return .error(503, "the server is going down")
    }
  }

  private func respond(_ route: AdminRoute) async throws -> AdminResponse {
    switch route {
    case .sessions(let filter): return .lines(try await sessions(filter))
    case .session(let sid): return try await session(sid).map { .json($0.details) } ?? .error(404, "no such session")
    case .kick(let sid, let reason): return await kick(sid, reason)
    case .rooms(let limit):
      let rooms = try await collect { $0.shard.rooms() }.joined().sorted { $0.name < $1.name }
      return .lines(rooms.prefix(limit ?? .max).map(\.json))
    case .room(let name):
      let peer = peers[Shard.home(of: name, shardCount: peers.count)]
      return try await peer.read { $0.shard.room(name) }.map { .json($0.details) } ?? .error(404, "no such room")
    case .stats: return .json(try await figures().json)
    case .events(let follows): return events(follows)
    case .metrics:
      return AdminResponse(
        status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
        body: .whole(Array(try await figures().metrics.utf8)))
    case .health: return .text("ok")
    case .readiness: return services.isDraining.load(ordering: .relaxed) ? .text("draining", status: 503) : .text("ok")
    }
  }

  private func collect<Value: Sendable>(_ read: @escaping @Sendable (ShardDriver) -> Value) async throws -> [Value] {
    var values: [Value] = []
    for peer in peers { values.append(try await peer.read(read)) }
    return values
  }

  private func sessions(_ filter: SessionFilter) async throws -> [JSONValue] {
    var found: [JSONValue] = []
    for peer in peers {
      let left = (filter.limit ?? .max) - found.count
      guard left > 0 else { break }
      let part = try await peer.read { driver in
        driver.shard.sessions(now: driver.readClock()).lazy.filter(filter.includes).prefix(left).map { $0 }
      }
      found += part.map(\.json)
    }
    return found
  }

  private func session(_ sid: SessionID) async throws -> SessionSnapshot? {
    for peer in peers {
      if let session = try await peer.read({ $0.shard.session(sid, now: $0.readClock()) }) { return session }
    }
    return nil
  }

  private func kick(_ sid: SessionID, _ reason: String) async -> AdminResponse {
    switch await peers[0].execute(.kick(sid, reason: reason)) {
    case .done, .published:
      services.logger.notice("session kicked", metadata: ["sid": "\(sid)", "reason": "\(reason)"])
      return .json(.members(["kicked": .string(sid.description)]))
    case .notFound: return .error(404, "no such session")
    case .refused(let error): return .error(503, error.message)
    }
  }

  func figures() async throws -> ServerFigures {
    let shards = try await collect { ShardFigures($0) }
    let uptime = (ContinuousClock.now - startedAt).components
    return ServerFigures(
      shards: shards, server: services.configuration.serverName,
      uptimeMilliseconds: UInt64(uptime.seconds) * 1_000 + UInt64(uptime.attoseconds / 1_000_000_000_000_000),
      processID: Int(getpid()), isDraining: services.isDraining.load(ordering: .relaxed),
      residentByteCount: ProcessFigures.residentByteCount(), cpuSeconds: ProcessFigures.cpuSeconds())
  }

  private func events(_ follows: Bool) -> AdminResponse {
    let log = services.events
    guard follows else { return .lines(log.latest.map(\.json)) }
    return .lines { write in
      let follower = log.follow()
      defer { log.cancel(follower) }
      for await _ in follower.signals {
        let (entries, leftOutCount) = log.take(follower)
        var bytes = entries.flatMap(\.json.line)
        if leftOutCount > 0 {
          bytes += JSONValue.members(["event": .string("events.dropped"), "count": .int(leftOutCount)]).line
        }
        if !bytes.isEmpty { try await write(bytes) }
      }
    }
  }
}

extension Peer {
  func execute(_ command: Command) async -> CommandResult {
    await withCheckedContinuation { continuation in
      if !post(.execute(command, continuation)) { continuation.resume(returning: .stopped) }
    }
  }
}

extension CommandResult {
  /// The answer of a server that is going down.
  static let stopped = CommandResult.refused(
    ProtocolError("server.draining", "the server is going down", retry: .later))
}
