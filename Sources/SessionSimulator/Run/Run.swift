import SessionCore

/// One run: a world, its clients, what is done to them, and the judgement.
final class Run {
  let plan: Plan
  let world: World
  let judge: Judge
  var dice: Dice
  var clients: [Client] = []
  var liars: [Liar] = []
  var strangers: [Stranger] = []
  private var laters: [() -> Void] = []
  /// Every message of a client has a number of its own, and they rise.
  private var lastNumber: UInt64 = 0
  /// For whom a direct message was.
  var mailTargets: [UInt64: SessionID] = [:]
  private(set) var phase = "faults"

  /// Ids of the world's own events: clients have their numbers.
  private static let firstAction = 1_000_000
  private static let firstLater = 2_000_000

  struct Outcome: Sendable {
    var violation: Violation?
    var hash: UInt64 = 0
    var steps: UInt64 = 0
    var counts = EventCounts()
    var resumed = 0
    var renewed = 0
    var gaps: UInt64 = 0
  }

  init(_ plan: Plan, seeking: Invariant? = nil, log: ((String) -> Void)? = nil, stepLimit: UInt64 = .max) {
    self.plan = plan
    dice = Dice(plan.seed, 2)
    let mailbox = Mailbox()
    world = World(
      shardCount: plan.shardCount, limits: plan.limits, application: Run.application(plan, mailbox), delays: plan.delays,
      seed: plan.seed)
    let rules = Judge.Rules(
      limits: plan.limits, roomCount: plan.roomCount, clientWindow: plan.clientWindow, seeks: seeking)
    judge = Judge(world, rules)
    world.observer = judge
    world.misbehaviour = plan.misbehaviour
    world.servedAtOnceOneIn = plan.servedAtOnceOneIn
    world.log = log
    world.stepLimit = stepLimit
    world.onOwn = { [unowned self] id in self.due(id) }
    judge.onViolation = { [unowned world] in world.isHalted = true }
    judge.sidOfClient = { [unowned self] client in self.sid(of: client) }
    judge.sidOfMail = { [unowned self] number in self.mailTargets[number] }
    mailbox.target = { [unowned self] client, number in
      let sid = self.sid(of: client)
      if let sid { self.mailTargets[number] = sid }
      return sid
    }
    for (number, make) in plan.clients.enumerated() {
      switch make {
      case .page: clients.append(PageClient(number: number, run: self))
      case .library(let versions): clients.append(LibraryClient(number: number, run: self, versions: versions))
      }
    }
  }

  func sid(of client: Int) -> SessionID? { clients.indices ~= client ? clients[client].sid : nil }

  // MARK: The application

  /// Where the application finds who a direct message is for.
  private final class Mailbox {
    var target: (Int, UInt64) -> SessionID? = { _, _ in nil }
  }

  private static func application(_ plan: Plan, _ mailbox: Mailbox) -> World.Application {
    var application = World.Application()
    application.dispatcher.on("echo", HandlerID(rawValue: 0))
    application.dispatcher.on(prefix: "direct.", HandlerID(rawValue: 1))
    application.dispatcher.on("state", HandlerID(rawValue: 2))
    application.handle = { delivery in
      switch delivery.handler.rawValue {
      case 1: direct(delivery, mailbox)
      case 2: .setState(delivery.payload)
      default: .reply(delivery.payload)
      }
    }
    (application.asksAuthorizer, application.asksRestorer) = (plan.hasAuthorizer, plan.hasRestorer)
    application.answer = { question in
      switch question {
      case .restore: .restored(state: nil, rooms: ["r0"])
      case .authorizeJoin(let room, _, _):
        room == "r3" ? .refused(ProtocolError("room.forbidden", "not here")) : .authorized
      default: World.anyone(question)
      }
    }
    return application
  }

  private static func direct(_ delivery: Delivery, _ mailbox: Mailbox) -> HandlerOutcome {
    let client = delivery.event.dropFirst(7).utf8.reduce(0) { $0 * 10 + Int($1) - 0x30 }
    let number = delivery.payload.number(in: delivery.payload.indices) ?? 0
    guard let sid = mailbox.target(client, number) else {
      return .failure(ProtocolError("direct.unknown", "nobody", retry: .later))
    }
    return .direct(.session(sid), event: "mail", eventVersion: 1, payload: delivery.payload)
  }

  // MARK: Times

  /// `body` is done after a while.
  func later(microseconds: UInt64, _ body: @escaping () -> Void) {
    laters.append(body)
    world.schedule(Run.firstLater + laters.count - 1, afterMicroseconds: max(1, microseconds))
  }

  private func due(_ id: Int) {
    if id < Run.firstAction {
      clients[id].wake()
    } else if id < Run.firstLater {
      perform(plan.actions[id - Run.firstAction])
    } else {
      laters[id - Run.firstLater]()
    }
  }

  func nextNumber() -> UInt64 {
    lastNumber += 1
    return lastNumber
  }

  // MARK: From beginning to end

  func run() -> Outcome {
    for client in clients { client.connect() }
    for (place, action) in plan.actions.enumerated() {
      world.schedule(Run.firstAction + place, afterMicroseconds: action.atMicroseconds)
    }
    world.run(until: Instant(nanoseconds: plan.endMicroseconds * 1_000))
    if !world.isHalted { heal() }
    if !world.isHalted { leaveEverything() }
    defer { letGo() }
    return outcome
  }

  func enter(_ phase: String) {
    self.phase = phase
    world.log?("--- \(phase)")
  }

  /// Whoever holds another is let go of, so that the memory is free again.
  private func letGo() {
    for wire in world.wires { wire.client = nil }
    (world.observer, world.onOwn, laters) = (nil, nil, [])
  }

  private var outcome: Outcome {
    var outcome = Outcome()
    outcome.violation = judge.violation
    (outcome.hash, outcome.steps, outcome.counts) = (world.trace.hash, world.stepCount, world.counts)
    for client in clients {
      outcome.resumed += client.account.resumedCount
      outcome.renewed += client.account.renewedCount
      outcome.gaps += client.account.gapCount
    }
    return outcome
  }
}
