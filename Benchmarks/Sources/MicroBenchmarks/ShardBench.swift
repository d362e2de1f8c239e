import SessionCore

/// One shard with sessions, and a driver that is none: handlers answer with what they got, the log counts. What it does
/// itself allocates nothing once it is warm, so that what is counted is the shard's. Like a driver's its variables are not
/// checked for overlapping access: each call of the shard ends before the next variable is touched.
final class ShardBench {
  @exclusivity(unchecked) private var shard: Shard
  @exclusivity(unchecked) private var now = Instant.zero
  @exclusivity(unchecked) private var effects: Effects = []
  @exclusivity(unchecked) private var carried: Effects = []
  @exclusivity(unchecked) private var output = OutputBuffer()
  @exclusivity(unchecked) private var position = LogPosition(log: 1, offset: 0)
  @exclusivity(unchecked) private(set) var slots: [Slot] = []
  /// Connections that have something to send.
  @exclusivity(unchecked) private var dirty: [Slot] = []

  /// - Parameter room: where all sessions are, nil for nowhere.
  init(sessionCount: Int, room: String? = nil) {
    var dispatcher = Dispatcher()
    dispatcher.on("echo", HandlerID(rawValue: 0))
    shard = Shard(
      configuration: ShardConfiguration(index: 0, count: 1, limits: Limits(), dispatcher: dispatcher),
      random: ChaChaGenerator(seed: 1))
    for _ in 0..<sessionCount { enter(room) }
  }

  private func enter(_ room: String?) {
    let slot = shard.open(ConnectionDescription(transport: "bench", remote: "?"), now: now, effects: &effects)
    slots.append(slot)
    say(Array(#"{"v":2,"type":"hello","payload":{"versions":[2]}}"#.utf8), slots.count - 1)
    if let room { say(Array(#"{"v":2,"seq":1,"ack":0,"type":"join","room":"\#(room)"}"#.utf8), slots.count - 1) }
    flush()
  }

  /// A message of a session, with all that follows from it but the writing.
  func say(_ message: [UInt8], _ index: Int) {
    let intake = shard.receive(message.span, isUTF8: true, on: slots[index], now: now, effects: &effects) { .reply($0.payload) }
    guard intake != .stop else { fatalError("the shard ends the connection: \(effects)") }
    carryOut()
  }

  /// Time passes; what is due is done.
  func advance(milliseconds: UInt64) {
    now = now.advanced(byMilliseconds: milliseconds)
    shard.advance(now: now, effects: &effects)
    carryOut()
  }

  func heardAll() { for slot in slots { shard.heard(slot, now: now) } }

  /// Writes what waits, and tells how many messages that were.
  @discardableResult func flush() -> Int {
    var count = 0
    for slot in dirty {
      _ = shard.drain(slot, now: now, byteBudget: 65_536, into: &output)
      count += output.messages.count
      output.removeAll()
    }
    dirty.removeAll(keepingCapacity: true)
    return count
  }

  private func carryOut() {
    while !effects.isEmpty {
      swap(&effects, &carried)
      for index in carried.indices { carryOut(carried[index]) }
      carried.removeAll(keepingCapacity: true)
    }
  }

  private func carryOut(_ effect: Effect) {
    switch effect {
    case .write(let slot): dirty.append(slot)
    case .deliver(let token):
      guard let outcome = shard.lendDelivery(token, to: { .reply($0.payload) }) else { return }
      shard.handled(token, outcome, now: now, effects: &effects)
    case .ask(let token, _):
      shard.answered(token, .authenticated(Principal(user: "bench", permissions: ["*"])), now: now, effects: &effects)
    case .log(let token, let operation):
      if case .append = operation { position.offset += 1 }
      shard.logged(token, position, now: now, effects: &effects)
    case .close(_, let code, let reason): fatalError("closed: \(code) \(reason)")
    default: break
    }
  }
}

/// A message whose numbers change: `#` stands for `seq` and `@` for `ack`. It is put together anew only when a number has
/// become longer.
struct NumberedMessage {
  private let template: [UInt8]
  private(set) var bytes: [UInt8] = []
  private var seq = Number()
  private var ack = Number()

  private struct Number {
    var value: UInt64 = 0
    /// Nil where there is none.
    var end: Int?
    var digitCount = 0
  }

  init(_ template: String) { self.template = Array(template.utf8) }

  mutating func number(seq: UInt64, ack: UInt64) {
    (self.seq.value, self.ack.value) = (seq, ack)
    guard write(self.seq), write(self.ack) else { return putTogether() }
  }

  private mutating func putTogether() {
    bytes.removeAll(keepingCapacity: true)
    for byte in template {
      switch byte {
      case UInt8(ascii: "#"): seq = appended(seq.value)
      case UInt8(ascii: "@"): ack = appended(ack.value)
      default: bytes.append(byte)
      }
    }
  }

  private mutating func appended(_ value: UInt64) -> Number {
    let digits = Array(String(value).utf8)
    bytes += digits
    return Number(value: value, end: bytes.count, digitCount: digits.count)
  }

  /// False if there is no room for it.
  private mutating func write(_ number: Number) -> Bool {
    guard !bytes.isEmpty else { return false }
    guard let end = number.end else { return true }
    var (rest, index) = (number.value, end)
    repeat {
      index -= 1
      guard end - index <= number.digitCount else { return false }
      bytes[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    } while rest > 0
    return end - index == number.digitCount
  }
}
