import NIOCore
import NIOPosix
import SessionCore
import Synchronization

/// What backends can ask for: docs/BACKENDS.md, "The API".
struct BackendAPI: Sendable {
  let desk: ShardDesk
  let configuration: BackendAPIConfiguration
  private let memory: AnswerMemory

  init(_ desk: ShardDesk, _ configuration: BackendAPIConfiguration) {
    (self.desk, self.configuration) = (desk, configuration)
    memory = AnswerMemory(
      limit: configuration.idempotencyCount, ttlMilliseconds: configuration.idempotencyTTLMilliseconds)
  }

  static func start(_ desk: ShardDesk, _ configuration: BackendAPIConfiguration) async throws -> HTTPServer {
    let api = BackendAPI(desk, configuration)
    do {
      return try await HTTPServer.start(api.router, limits: configuration.serverLimits) { bootstrap in
        try await bootstrap
          .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
          .bind(host: configuration.host, port: configuration.port).get()
      }
    } catch {
      throw ServerError(error, host: configuration.host, port: configuration.port)
    }
  }

  private var router: HTTPRouter {
    let digest = configuration.secretDigest
    return HTTPRouter(
      [
        .post("/v1/publish") { try await once($0, publish) },
        .post("/v1/send") { try await once($0, send) },
        .post("/v1/disconnect") { try await once($0, disconnect) },
        .get("/v1/sessions", query: ["user", "limit", "after"]) { try await sessions($0) },
        .get("/v1/sessions/{session}") { .json(try await desk.session($0.session()).publicJSON) },
        .delete("/v1/sessions/{session}", query: ["reason"]) { request in
          try await disconnect(.session(request.session()), request.reason())
        },
        .delete("/v1/users/{user}", query: ["reason"]) { try await disconnect(.user($0.captures[0]), $0.reason()) },
        .get("/v1/rooms", query: ["limit", "after"]) { try await rooms($0) },
        .get("/v1/rooms/{room}", query: ["limit", "after"]) { try await room($0) },
        .get("/v1/health", query: nil) { _ in health() },
      ],
      authorize: { head throws(HTTPFault) in
        let secret = head.fields.bearer?.reveal() ?? ""
        guard SHA256.isEqual(SHA256.digest(Array(secret.utf8)), digest) else {
          throw HTTPFault(
            401, "auth.failed", "the secret is missing or wrong: Authorization: Bearer SECRET",
            fields: [.init("WWW-Authenticate", "Bearer")])
        }
      })
  }

  /// Carries a request out, or answers as the first one with the same `Idempotency-Key` was answered.
  private func once(
    _ request: HTTPRequest, _ action: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
  ) async throws -> HTTPResponse {
    let keys = request.head.fields.values(of: "idempotency-key")
    guard let key = keys.first else { return try await action(request) }
    guard keys.count == 1, 1...AnswerMemory.maxKeyByteCount ~= key.utf8.count else {
      throw HTTPFault.invalid("Idempotency-Key has 1 to \(AnswerMemory.maxKeyByteCount) bytes")
    }
    let digest = SHA256.digest(Array("\(request.head.path)\n".utf8) + request.body)
    return try await memory.answer(key, digest) {
      do {
        return try await action(request)
      } catch {
        return (error as? HTTPFault ?? .stopping).response
      }
    }
  }

  // MARK: Doing

  private func publish(_ request: HTTPRequest) async throws -> HTTPResponse {
    let (room, event) = try BackendAPI.fields(request, ["room", "event", "ev", "payload", "key", "transient"]) {
      fields throws(JSONFields.Fault) in
      let isTransient = try fields.flag("transient")
      let key = try fields.name("key")
      guard !isTransient || key == nil else { throw JSONFields.Fault("key", "is not for transient events") }
      let event = RoomEvent(
        event: try fields.eventName(), eventVersion: try fields.eventVersion(), key: key, isTransient: isTransient,
        payload: try fields.payload())
      return (try fields.required("room"), event)
    }
    switch try await desk.execute(.publish(room: room, event)) {
    case .published(let position?, let count):
      return .json(.members(["members": .int(count), "pos": position.json]))
    case .published(nil, let count), .done(let count): return .json(.members(["members": .int(count)]))
    // A room is there as long as somebody is in it: nobody heard it, and that is no mistake.
    case .notFound, .refused: return .json(.members(["members": 0]))
    }
  }

  private func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    let command = try BackendAPI.fields(request, ["session", "user", "event", "ev", "payload"]) {
      fields throws(JSONFields.Fault) in
      Command.send(
        try fields.target(), event: try fields.eventName(), eventVersion: try fields.eventVersion(),
        payload: try fields.payload())
    }
    guard case .done(let count) = try await desk.execute(command) else {
      throw HTTPFault(404, "direct.unknown", "there is no such session, or no session of that user")
    }
    return .json(.members(["sessions": .int(count)]))
  }

  private func disconnect(_ request: HTTPRequest) async throws -> HTTPResponse {
    let (target, reason) = try BackendAPI.fields(request, ["session", "user", "reason"]) {
      fields throws(JSONFields.Fault) in
      (try fields.target(), try fields.string("reason", maxByteCount: HTTPRequest.maxReasonByteCount))
    }
    return try await disconnect(target, reason)
  }

  private func disconnect(_ target: Target, _ reason: String?) async throws -> HTTPResponse {
    let reason = reason ?? "ended by a backend"
    switch target {
    case .session(let sid):
      try await desk.kick(sid, reason, by: "backend")
      return .json(.members(["sessions": 1]))
    case .user(let user):
      return .json(.members(["sessions": .int(try await desk.kick(user: user, reason, by: "backend"))]))
    }
  }

  private static func fields<Value>(
    _ request: HTTPRequest, _ known: Set<String>, _ read: (JSONFields) throws(JSONFields.Fault) -> Value
  ) throws(HTTPFault) -> Value {
    do throws(JSONFields.Fault) {
      return try read(JSONFields(parsing: request.body, known: known))
    } catch {
      throw .invalid("\(error)")
    }
  }

  // MARK: Looking

  private func health() -> HTTPResponse {
    let isDraining = desk.services.isDraining.load(ordering: .relaxed)
    let status = isDraining ? "draining" : "ok"
    let count = desk.services.connectionCount.load(ordering: .relaxed)
    return .json(.members(["status": .string(status), "connections": .int(count)]), status: isDraining ? 503 : 200)
  }

  private func sessions(_ request: HTTPRequest) async throws -> HTTPResponse {
    let user = request.parameters["user"]
    return try await page(request, "sessions") { shard, place, limit, now in
      let page = shard.sessions(now: now, from: place, limit: limit)
      return Page(items: page.items.filter { session in user.map { session.user.utf8.elementsEqual($0.utf8) } ?? true }.map(\.publicJSON), next: page.next)
    }
  }

  private func rooms(_ request: HTTPRequest) async throws -> HTTPResponse {
    try await page(request, "rooms") { shard, place, limit, _ in
      let page = shard.roomSummaries(from: place, limit: limit)
      return Page(items: page.items.map(\.json), next: page.next)
    }
  }

  private func room(_ request: HTTPRequest) async throws -> HTTPResponse {
    let room = try await desk.room(request.captures[0])
    let limit = try request.count("limit", in: 1...BackendAPI.maxPageCount) ?? BackendAPI.pageCount
    let after = request.parameters["after"].flatMap { SessionID($0) }
    let rest = room.members.drop { member in after.map { member <= $0 } ?? false }
    let page = Array(rest.prefix(limit).map { JSONValue.string($0.description) })
    var json: [JSONValue.Member] = [
      .init("room", .string(room.name)), .init("members", .int(room.members.count)), .init("pos", room.position.json),
      .init("sessions", .array(page)),
    ]
    if rest.count > limit, let last = page.last { json.append(.init("next", last)) }
    return .json(.object(json))
  }

  private static let pageCount = 100
  private static let maxPageCount = 1_000

  /// Some entries of a list that all shards have a part of, and where the next ones begin: `after` is a shard and a
  /// place there. Each page is of its own moment.
  private func page(
    _ request: HTTPRequest, _ name: String,
    _ read: @escaping @Sendable (borrowing Shard, Int, Int, Instant) -> Page<JSONValue>
  ) async throws -> HTTPResponse {
    let limit = try request.count("limit", in: 1...BackendAPI.maxPageCount) ?? BackendAPI.pageCount
    var (shard, place) = try BackendAPI.cursor(request.parameters["after"])
    var items: [JSONValue] = []
    while shard < desk.peers.count, items.count < limit {
      let (start, left) = (place, limit - items.count)
      let page = try await desk.peers[shard].read { driver in read(driver.shard, start, left, driver.readClock()) }
      items += page.items
      (shard, place) = page.next.map { (shard, $0) } ?? (shard + 1, 0)
    }
    var json: [JSONValue.Member] = [.init(name, .array(items))]
    if shard < desk.peers.count { json.append(.init("next", .string("\(shard).\(place)"))) }
    return .json(.object(json))
  }

  private static func cursor(_ text: String?) throws(HTTPFault) -> (shard: Int, place: Int) {
    guard let text else { return (0, 0) }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let shard = parts[0], let place = parts[1], shard >= 0, place >= 0 else {
      throw .invalid("after is the next of the page before")
    }
    return (shard, place)
  }
}
