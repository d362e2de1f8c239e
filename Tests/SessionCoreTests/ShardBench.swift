import SessionCore

/// One shard whose hooks, handlers and connections the test is: it answers when and as often as it likes.
final class ShardBench {
  var shard: Shard
  private(set) var now = Instant.zero
  private(set) var questions: [(token: HookToken, question: Question)] = []
  private(set) var deliveries: [HandlerToken] = []
  /// "connection code", in their order.
  private(set) var closes: [String] = []

  init(asksAuthorizer: Bool = false, asksRestorer: Bool = false, _ change: (inout Limits) -> Void = { _ in }) {
    var limits = Limits()
    change(&limits)
    var dispatcher = Dispatcher()
    dispatcher.on("work", HandlerID(rawValue: 0))
    dispatcher.on("rest", HandlerID(rawValue: 1))
    let configuration = ShardConfiguration(
      index: 0, count: 1, limits: limits, dispatcher: dispatcher, asksAuthorizer: asksAuthorizer,
      asksRestorer: asksRestorer)
    shard = Shard(configuration: configuration, random: ChaChaGenerator(seed: 5))
  }

  private func step<Result>(_ body: (inout Shard, Instant, inout Effects) -> Result) -> Result {
    var effects: Effects = []
    let result = body(&shard, now, &effects)
    for effect in effects {
      switch effect {
      case .ask(let token, let question): questions.append((token, question))
      case .deliver(let token): deliveries.append(token)
      case .close(let slot, let code, _): closes.append("\(slot.index) \(code.rawValue)")
      case .log(let token, .open): logs(token, 0)
      case .log(let token, .append): logs(token, 1)
      default: break
      }
    }
    return result
  }

  private func logs(_ token: LogToken, _ offset: UInt64) {
    step { $0.logged(token, LogPosition(log: 1, offset: offset), now: $1, effects: &$2) }
  }

  func open(_ description: ConnectionDescription = ConnectionDescription(transport: "bench", remote: "?")) -> Slot {
    step { $0.open(description, now: $1, effects: &$2) }
  }

  /// - Parameter serve: as in `Shard.receive`.
  @discardableResult func say(
    _ text: String, _ slot: Slot, serve: Serving = { _ in nil }
  ) -> Intake {
    let bytes = Array(text.utf8)
    return step { $0.receive(bytes.span, on: slot, now: $1, effects: &$2, serve: serve) }
  }

  /// Opens a connection that says hello.
  func hello(resuming welcome: JSONValue? = nil, ack: UInt64 = 0) -> Slot {
    let slot = open()
    var resume = ""
    if let welcome {
      let text = { (key: String) in welcome[key]?.stringValue ?? "" }
      resume = #","resume":{"sid":"\#(text("sid"))","token":"\#(text("token"))","epoch":"\#(text("epoch"))","ack":\#(ack)}"#
    }
    say(#"{"v":2,"type":"hello","payload":{"versions":[2]\#(resume)}}"#, slot)
    return slot
  }

  /// Hello, and let in.
  func enter(resuming welcome: JSONValue? = nil, ack: UInt64 = 0) -> Slot {
    let slot = hello(resuming: welcome, ack: ack)
    answer(questions.count - 1, .authenticated(Principal(user: "ann")))
    return slot
  }

  func answer(_ index: Int, _ answer: Answer) {
    step { $0.answered(questions[index].token, answer, now: $1, effects: &$2) }
  }

  func finish(_ index: Int, _ outcome: HandlerOutcome) {
    step { $0.handled(deliveries[index], outcome, now: $1, effects: &$2) }
  }

  /// The transport says that it is gone.
  func closed(_ slot: Slot) { step { $0.closed(slot, code: nil, reason: "", now: $1, effects: &$2) } }

  func advance(_ milliseconds: UInt64) {
    let end = now.advanced(byMilliseconds: milliseconds)
    while shard.nextDeadline <= end {
      now = max(now, shard.nextDeadline)
      step { $0.advance(now: $1, effects: &$2) }
    }
    now = end
  }

  /// What goes out on a connection.
  func messages(_ slot: Slot) -> [JSONValue] {
    var messages: [JSONValue] = []
    var hasMore = true
    while hasMore {
      var buffer = OutputBuffer()
      hasMore = shard.drain(slot, now: now, byteBudget: 1 << 16, into: &buffer)
      messages += buffer.messages.compactMap { try? JSONValue(parsing: Array(buffer.bytes[$0])) }
    }
    return messages
  }

  func types(_ slot: Slot) -> [String] { messages(slot).map { $0["type"]?.stringValue ?? "?" } }

  func welcome(_ slot: Slot) -> JSONValue { messages(slot).first { $0["type"] == "welcome" }?["payload"] ?? .null }
}
