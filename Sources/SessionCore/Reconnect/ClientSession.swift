/// A client's side of one session: its numbers, what it has sent and not seen acknowledged, what it has received.
/// PROTOCOL.md, "A client". It survives connections, and goes on with a new session where the old one is gone.
///
/// Like the rest of the core it has no clock, no sockets and no chance: it is told, and appends what is to be done to
/// `actions`. It neither sees nor keeps more of a message than the numbers need.
public struct ClientSession: Sendable {
  public struct Configuration: Sendable {
    /// Versions of the protocol that may be agreed.
    public var versions: [UInt64] = [2]
    public var auth: Auth?
    /// The name of this program or device, for operators.
    public var instance: String?
    /// What the server may have under way to us; nil leaves it to the server.
    public var window: Window?
    /// How long the session should outlive its connection; nil leaves it to the server.
    public var ttlMilliseconds: UInt64?
    /// The newest version that we understand of each event that is named; the server casts newer ones down, if it can.
    public var eventVersions: [String: UInt64] = [:]
    /// Bounds of what waits for the server's window or for a connection.
    public var queue = Window(messageCount: 1_024, byteCount: 4 * 1_048_576)
    /// Time from the opening of a connection to `welcome`.
    public var helloTimeoutMilliseconds: UInt64 = 10_000
    /// Whether a message counts as processed once `receive` has handed it out.
    public var autoAck = true

    public init() {}
  }

  /// Who the client is, for `hello`.
  public struct Auth: Sendable, Equatable {
    public var scheme: String
    public var credential: Secret?

    public init(scheme: String, credential: Secret?) { (self.scheme, self.credential) = (scheme, credential) }
  }

  public enum Phase: Sendable, Equatable {
    /// No connection.
    case offline
    /// `hello` is under way.
    case greeting
    /// Welcomed; what was missed comes first.
    case replaying
    case live
    /// `bye` is under way.
    case leaving
    /// The server broke the protocol; the connection is being closed.
    case failed
  }

  /// What the server gave us to come back with.
  struct Identity: Sendable {
    var sid: String
    var token: Secret
    var epoch: String?
    var generation: UInt64
    var version: UInt64
    var user: String?
    var ttlMilliseconds: UInt64
  }

  /// A `join` or `leave` whose reply has not come.
  struct PendingRoom: Sendable {
    var ticket: UInt64
    var id: [UInt8]
    var room: String
    var isJoin: Bool
  }

  /// May change between connections, the credential for example.
  public var configuration: Configuration
  public internal(set) var phase = Phase.offline
  public internal(set) var counters = ClientCounters()
  /// The last error that answered no message of ours: why the connection is closed next.
  public internal(set) var lastError: ProtocolError?
  /// Why the present connection is being given up.
  public internal(set) var fault: ServerFault?
  var identity: Identity?
  var outbox = ClientOutbox()
  var rooms = RoomPositions()
  var pendingRooms: [PendingRoom] = []
  var offer: Offer?

  /// Highest number that came.
  public internal(set) var lastIn: UInt64 = 0
  /// Highest number that may be acknowledged.
  public internal(set) var processed: UInt64 = 0
  /// The `ack` that went out last.
  var ackSent: UInt64 = 0
  /// Bytes of messages since then.
  var bytesSinceAck = 0
  /// The server should hear of `processed` before anything else.
  var mustAck = false
  var ackDeadline = Instant.never
  /// A claim that the next `hello` makes in place of `processed`.
  var claimedAck: UInt64?
  /// What the last `hello` claimed.
  var helloAck: UInt64 = 0

  // What the server said in `welcome`.
  var window = Window()
  var messageByteLimit = 1_048_576
  var ackDelayMilliseconds: UInt64 = 250
  var silenceMilliseconds: UInt64?
  var probeMilliseconds: UInt64 = 10_000

  var greetingDeadline = Instant.never
  var heardAt = Instant.zero
  /// Whether something went out since the server was heard: if so, it had no reason to ask whether we are there.
  var hasSentSinceHeard = false
  var probedAt: Instant?

  public init(_ configuration: Configuration = Configuration()) { self.configuration = configuration }

  // MARK: What it knows

  public var sid: String? { identity?.sid }
  /// The version agreed; nil before the first `welcome`.
  public var version: UInt64? { identity?.version }
  /// Highest number of ours that went out.
  public var lastSent: UInt64 { outbox.lastSent }
  /// Highest number of ours that the server has processed.
  public var acked: UInt64 { outbox.acked }
  /// Sends that the server has not acknowledged.
  public var unackedCount: Int { outbox.sentCount }
  /// Sends that wait for the server's window or for a connection.
  public var queuedCount: Int { outbox.queuedCount }
  /// The lowest ticket whose outcome is open.
  public var firstOpenTicket: UInt64 { outbox.firstTicket }
  /// When bytes came last.
  public var heardTime: Instant { heardAt }
  public var isWelcomed: Bool { phase == .replaying || phase == .live }

  // MARK: Connections

  /// A connection is there: says hello.
  public mutating func opened(now: Instant, actions: inout [ClientAction]) {
    phase = .greeting
    (lastError, fault) = (nil, nil)
    greetingDeadline = now.advanced(byMilliseconds: configuration.helloTimeoutMilliseconds)
    heard(now: now)
    helloAck = claimedAck ?? processed
    claimedAck = nil
    offer = nil
    actions.append(.transmit(hello(ack: helloAck)))
    counters.messagesOut += 1
  }

  /// Bytes came, of whatever kind.
  public mutating func heard(now: Instant) {
    heardAt = now
    hasSentSinceHeard = false
    probedAt = nil
  }

  /// The connection is gone. The session is kept, unless `bye` was said.
  public mutating func closed(now: Instant, actions: inout [ClientAction]) {
    let wasLeaving = phase == .leaving
    phase = .offline
    (ackDeadline, greetingDeadline, mustAck) = (.never, .never, false)
    if wasLeaving { abandon(actions: &actions) }
  }

  /// Gives the session up; the next `hello` asks for a new one. What waits to be sent waits on.
  public mutating func forget(actions: inout [ClientAction]) {
    settle(outbox.renumber(), .unknown, &actions)
    identity = nil
    rooms.removeAll()
    restartNumbering()
  }

  /// Gives the session up and all that was to be sent.
  public mutating func abandon(actions: inout [ClientAction]) {
    forget(actions: &actions)
    settle(outbox.dropQueued(), .notSent, &actions)
    pendingRooms = []
  }

  /// The next `hello` claims that nothing after `seq` came, and what comes again is handed out again. A number that
  /// never came is claimed as it is: that is a fault for tests.
  public mutating func rewind(to seq: UInt64) {
    claimedAck = seq
    lastIn = min(lastIn, seq)
    processed = min(processed, seq)
    ackSent = min(ackSent, seq)
  }

  /// Numbers begin at 1, and no answer will come to what went before.
  mutating func restartNumbering() {
    (lastIn, processed, ackSent, bytesSinceAck) = (0, 0, 0, 0)
    (claimedAck, ackDeadline, mustAck) = (nil, .never, false)
    pendingRooms.removeAll { $0.ticket < outbox.firstTicket }
  }

  mutating func settle(_ tickets: ClosedRange<UInt64>?, _ outcome: SendOutcome, _ actions: inout [ClientAction]) {
    guard let tickets else { return }
    if outcome == .unknown { counters.unknown += UInt64(tickets.count) }
    actions.append(.outcome(tickets, outcome))
  }

  /// `hello`, with `resume` if there is a session.
  func hello(ack: UInt64) -> [UInt8] {
    var members: [JSONValue.Member] = [.init("versions", .array(configuration.versions.map { .int($0) }))]
    if let auth = configuration.auth {
      var fields: [JSONValue.Member] = [.init("scheme", .string(auth.scheme))]
      if let credential = auth.credential { fields.append(.init("credential", .string(credential.reveal()))) }
      members.append(.init("auth", .object(fields)))
    }
    if let instance = configuration.instance { members.append(.init("instance", .string(instance))) }
    if let window = configuration.window {
      members.append(.init("window", ["messages": .int(window.messageCount), "bytes": .int(window.byteCount)]))
    }
    if let ttl = configuration.ttlMilliseconds { members.append(.init("ttl_ms", .int(ttl))) }
    if !configuration.eventVersions.isEmpty {
      let versions = configuration.eventVersions.sorted { $0.key < $1.key }
      members.append(.init("events", .object(versions.map { .init($0.key, .int($0.value)) })))
    }
    if let identity { members.append(.init("resume", resume(identity, ack: ack))) }
    var bytes: [UInt8] = []
    MessageWriter.appendHead(version: configuration.versions.max() ?? 2, seq: nil, ack: nil, to: &bytes)
    return bytes + MessageWriter.tail(.hello, .object(members))
  }

  private func resume(_ identity: Identity, ack: UInt64) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("sid", .string(identity.sid)), .init("token", .string(identity.token.reveal())),
      // A session of version 1 has no numbering, but who asks for version 2 must name one; it is not compared.
      .init("epoch", .string(identity.epoch ?? hexDigits(0))), .init("ack", .int(ack)),
    ]
    if let first = outbox.firstUnacked { members.append(.init("first_unacked", .int(first))) }
    if case .object(let positions) = rooms.json, !positions.isEmpty { members.append(.init("pos", .object(positions))) }
    return .object(members)
  }
}
