import SessionCore

/// What a seed means: how the server is set up, how the wires are, and what is done.
struct Plan: Sendable {
  enum Make: Sendable {
    case page
    case library(versions: [UInt64])
  }

  let seed: UInt64
  var shardCount = 1
  var userCount = 2
  var roomCount = 2
  var clients: [Make] = []
  var clientWindow = 256
  var clientTTLMilliseconds: UInt64?
  var limits = Limits()
  var delays = World.Delays()
  var misbehaviour = World.Misbehaviour()
  /// As `World.servedAtOnceOneIn`.
  var servedAtOnceOneIn: UInt64?
  var hasRestorer = false
  var hasAuthorizer = false
  /// The server is shut down at the end, and not its clients.
  var endsByShutdown = false
  var actions: [Action] = []
  /// When the faults end.
  var endMicroseconds: UInt64 = 0

  init(seed: UInt64) {
    self.seed = seed
    var dice = Dice(seed, 1)
    setUp(&dice)
    act(&dice)
    // With dice of their own, so that a seed has the same server, clients and actions as before this was drawn.
    var handlerDice = Dice(seed, .max - 2)
    servedAtOnceOneIn = handlerDice.pick([nil, 1, 2])
  }

  // MARK: The server

  private mutating func setUp(_ dice: inout Dice) {
    shardCount = dice.pick([1, 1, 2, 3])
    roomCount = dice.pick([1, 1, 2, 2, 3, 4])
    userCount = 1 + dice.below(4)
    let count = 6 + dice.below(7)
    clients = (0..<count).map { _ in
      switch dice.below(10) {
      case 0..<5: .library(versions: [2])
      case 5: .library(versions: [1])
      default: .page
      }
    }
    clientWindow = dice.pick([8, 16, 64, 256])
    clientTTLMilliseconds = dice.isOneIn(4) ? dice.pick([400, 900]) : nil
    setLimits(&dice)
    setDelays(&dice)
    hasRestorer = dice.isOneIn(4)
    hasAuthorizer = dice.isOneIn(5)
    endsByShutdown = dice.isOneIn(3)
  }

  private mutating func setLimits(_ dice: inout Dice) {
    limits.helloTimeoutMilliseconds = 1_000
    limits.hookTimeoutMilliseconds = 600
    limits.handlerTimeoutMilliseconds = 800
    limits.pingIntervalMilliseconds = 400
    limits.pingTimeoutMilliseconds = 200
    limits.ackDelayMilliseconds = 50
    limits.sessionTTLMilliseconds = dice.pick([1_000, 2_000, 4_000])
    limits.tombstoneTTLMilliseconds = 5_000
    limits.tombstoneCount = dice.pick([4, 64])
    limits.outbox = dice.pick([
      OutboxLimits(messageCount: 10, byteCount: 1 << 14, transientCount: 4),
      OutboxLimits(messageCount: 64, byteCount: 1 << 14, transientCount: 16),
      OutboxLimits(messageCount: 256, byteCount: 1 << 16, transientCount: 16),
      OutboxLimits(messageCount: 1_024, byteCount: 1 << 18),
    ])
    limits.window = Window(messageCount: dice.pick([8, 32, 64]), byteCount: 1 << 16)
    if dice.isOneIn(4) { limits.outboxTotalByteCount = 48 << 10 }
    if dice.isOneIn(4) { limits.waitingClaimCount = 2 }
    if dice.isOneIn(4) { (limits.takeoverCount, limits.takeoverWindowMilliseconds) = (6, 1_000) }
    if dice.isOneIn(6) { limits.sessionsPerUser = clients.count }
    if dice.isOneIn(4) { limits.roomsPerSession = max(1, roomCount - 1) }
    limits.presenceGraceMilliseconds = dice.pick([0, 300])
    if dice.isOneIn(3) {
      let history = RoomPolicy.History(messageCount: dice.pick([3, 20]), byteCount: 4_096, ttlMilliseconds: 1_500)
      limits.roomRules = [RoomRule(NamePattern("r1"), RoomPolicy(history: history))]
    }
    if dice.isOneIn(5) {
      limits.credentialMaxAgeMilliseconds = 1_500
      limits.credentialNoticeMilliseconds = 300
    }
    if dice.isOneIn(5) { (limits.helloRatePerSecond, limits.helloBurstCount, limits.helloPendingCount) = (60, 12, 12) }
  }

  private mutating func setDelays(_ dice: inout Dice) {
    delays.wire = dice.pick([50...50, 100...2_000, 500...20_000])
    delays.link = dice.pick([0...0, 0...0, 1...200, 0...4_000])
    delays.hook = dice.pick([0...0, 1...2_000, 0...60_000])
    delays.handler = dice.pick([0...0, 0...0, 0...0, 1...500, 0...30_000])
    delays.log = dice.pick([0...0, 0...0, 0...0, 0...0, 1...300, 0...4_000])
    delays.notice = dice.pick([0...1_000, 0...300_000])
    guard dice.isOneIn(3) else { return }
    if dice.isOneIn(2) { misbehaviour.silentOneIn = 40 }
    if dice.isOneIn(2) { misbehaviour.twiceOneIn = 5 }
    if dice.isOneIn(2) {
      misbehaviour.slowOneIn = 30
      misbehaviour.slowMicroseconds = 900_000
    }
  }

  // MARK: What is done

  private mutating func act(_ dice: inout Dice) {
    var time: UInt64 = 20_000
    for client in clients.indices {
      for room in 0..<roomCount where !dice.isOneIn(6) {
        add(time, client, .join(room: room, presence: dice.isOneIn(3), history: dice.isOneIn(5) ? 5 : nil))
      }
    }
    let pause = dice.pick([4_000, 12_000, 40_000] as [UInt64])
    for _ in 0..<(60 + dice.below(80)) {
      time += dice.next() % (2 * pause)
      add(time, dice.below(clients.count), kind(&dice))
    }
    // A thousand clients at one moment, in one seed of 500.
    if seed % 500 == 0 { add(time, 0, .crowd(count: 1_000)) }
    endMicroseconds = time + 50_000
  }

  private mutating func add(_ time: UInt64, _ client: Int, _ kind: Action.Kind) {
    actions.append(Action(index: actions.count, atMicroseconds: time, client: client, kind: kind))
  }

  private func kind(_ dice: inout Dice) -> Action.Kind {
    let room = dice.below(roomCount)
    switch dice.below(100) {
    case 0..<42: return .publish(room: room, count: dice.pick([1, 16, 48, 48]), key: dice.isOneIn(6) ? dice.below(2) : nil)
    case 42..<50: return .echo(count: dice.pick([1, 16, 48]))
    case 50..<55: return .direct(to: dice.below(clients.count), count: dice.pick([1, 6]))
    case 55: return .whisper(room: room)
    case 56: return .setState
    case 57..<60: return .join(room: room, presence: dice.isOneIn(2), history: dice.isOneIn(3) ? 6 : nil)
    case 60: return .leave(room: room)
    case 61: return .repeatLast
    case 62..<72: return cut(&dice)
    case 72..<74: return .awayForItsTime(less: dice.pick([-1, 0, 1]))
    case 74..<77: return .takeOver
    case 77: return .race
    case 78..<81: return .block(microseconds: 20_000 + dice.next() % 900_000)
    case 81..<83: return .stick(microseconds: 10_000 + dice.next() % 700_000)
    case 83: return dice.isOneIn(2) ? .changeVersion : .bye
    case 84: return dice.isOneIn(2) ? .keep : .goBack
    case 85: return dice.isOneIn(2) ? .copy : .kick
    case 86: return dice.isOneIn(3) ? .kickUser : .advise
    case 87..<90: return .serverPublish(room: room, count: dice.pick([2, 40]))
    case 90: return .serverSend(toUser: dice.isOneIn(2))
    case 91: return dice.isOneIn(4) ? .drain(milliseconds: 100 + dice.next() % 400) : .advise
    case 92: return dice.isOneIn(8) ? .crowd(count: 20) : .takeOver
    default: return .lie(dice.pick(Lie.allCases))
    }
  }

  private func cut(_ dice: inout Dice) -> Action.Kind {
    let ttl = clientTTLMilliseconds ?? limits.sessionTTLMilliseconds
    let away: UInt64 =
      switch dice.below(8) {
      case 0: 0
      case 1: ttl * 1_000 + dice.next() % 500_000
      default: dice.next() % 200_000
      }
    return .cut(dice.pick(Cut.allCases), awayMicroseconds: away)
  }
}
