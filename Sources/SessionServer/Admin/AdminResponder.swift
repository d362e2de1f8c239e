import Glibc
import SessionCore
import Synchronization

/// Answers operators' requests out of what the shards tell: contract of the admin API, version 1.
struct AdminResponder: Sendable {
  let desk: ShardDesk
  let startedAt: ContinuousClock.Instant
  /// How the bytes of sockets are moved.
  let io: SocketBackend

  private var services: Services { desk.services }

  /// Who can open the socket may ask for everything.
  var router: HTTPRouter {
    HTTPRouter([
      .get("/v1/sessions", query: ["room", "user", "state", "limit"]) { .lines(try await sessions(SessionFilter($0))) },
      .get("/v1/sessions/{session}") { .json(try await desk.session($0.session()).details) },
      .delete("/v1/sessions/{session}", query: ["reason"]) { request in
        let sid = try request.session()
        try await desk.kick(sid, request.reason() ?? "ended by an operator", by: "operator")
        return .json(.members(["kicked": .string(sid.description)]))
      },
      .delete("/v1/users/{user}", query: ["reason"]) { request in
        let user = request.captures[0]
        let count = try await desk.kick(user: user, request.reason() ?? "ended by an operator", by: "operator")
        return .json(.members(["user": .string(user), "kicked": .int(count)]))
      },
      .put("/v1/sessions/{session}/advice", query: ["after_ms"]) { request in
        let (sid, delay) = (try request.session(), try request.milliseconds("after_ms"))
        try await desk.advise(sid, delay)
        return .json(.members(["advised": .string(sid.description), "reconnect_after_ms": .int(delay)]))
      },
      .put("/v1/drain", query: ["over_ms"]) { request in
        let spread = try request.milliseconds("over_ms")
        DrainSwitch(services: services, peers: desk.peers).drain(overMilliseconds: spread)
        let count = services.connectionCount.load(ordering: .relaxed)
        return .json(.members(["draining": .bool(true), "connections": .int(count), "over_ms": .int(spread)]))
      },
      .delete("/v1/drain") { _ in
        guard DrainSwitch(services: services, peers: desk.peers).undrain() else {
          throw HTTPFault(409, "server.stopping", "the server is going down")
        }
        return .json(.members(["draining": .bool(false)]))
      },
      .get("/v1/rooms", query: ["limit"]) { request in
        let limit = try request.count("limit")
        let rooms = try await desk.collect { $0.shard.rooms() }.joined().sorted { $0.name < $1.name }
        return .lines(rooms.prefix(limit ?? .max).map(\.json))
      },
      .get("/v1/rooms/{room}") { .json(try await desk.room($0.captures[0]).details) },
      .get("/v1/stats") { _ in .json(try await figures().json) },
      .get("/v1/events", query: ["follow"]) { events(follows: $0.parameters["follow"] == "1") },
      .get("/metrics", query: nil) { _ in
        HTTPResponse(
          status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
          body: .whole(Array(try await figures().metrics.utf8)))
      },
      .get("/healthz", query: nil) { _ in .text("ok") },
      .get("/readyz", query: nil) { _ in
        services.unreadiness.map { .text($0, status: 503) } ?? .text("ok")
      },
    ])
  }

  private func sessions(_ filter: SessionFilter) async throws -> [JSONValue] {
    var found: [JSONValue] = []
    for peer in desk.peers {
      let left = (filter.limit ?? .max) - found.count
      guard left > 0 else { break }
      let part = try await peer.read { driver in
        driver.shard.sessions(now: driver.readClock()).lazy.filter(filter.includes).prefix(left).map { $0 }
      }
      found += part.map(\.json)
    }
    return found
  }

  func figures() async throws -> ServerFigures {
    let shards = try await desk.collect { ShardFigures($0) }
    let uptime = (ContinuousClock.now - startedAt).components
    return ServerFigures(
      shards: shards, deprecations: services.deprecations, server: services.configuration.serverName,
      uptimeMilliseconds: UInt64(uptime.seconds) * 1_000 + UInt64(uptime.attoseconds / 1_000_000_000_000_000),
      processID: Int(getpid()), io: io, isDraining: services.isDraining.load(ordering: .relaxed),
      isAcceptPaused: services.isAcceptPaused.load(ordering: .relaxed),
      socketCount: services.socketCount.load(ordering: .relaxed), limitHits: services.limits.all,
      credentialRefusals: services.credentialRefusals.all, tls: services.tls?.figures,
      residentByteCount: ProcessFigures.residentByteCount(), cpuSeconds: ProcessFigures.cpuSeconds())
  }

  private func events(follows: Bool) -> HTTPResponse {
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
