import SessionCore
import Testing

/// Draws the highest number always: jitter becomes its bound.
private struct Highest: RandomNumberGenerator {
  mutating func next() -> UInt64 { .max }
}

private func milliseconds(_ next: Reconnector.Next, since now: Instant) -> UInt64? {
  switch next {
  case .connect(let time), .connectAnew(let time): time.milliseconds(since: now)
  default: nil
  }
}

@Suite struct ReconnectorTests {
  private func online(at now: Instant = .zero) -> Reconnector {
    var reconnector = Reconnector()
    reconnector.start()
    reconnector.welcomed(now: now)
    return reconnector
  }

  @Test func waitsDoubleUpToTheirBound() {
    var backoff = Backoff()
    var random = Highest()
    let waits = (0..<9).map { _ in backoff.next(advised: nil, using: &random) }
    #expect(waits == [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  }

  @Test func aServerThatCannotBeTrustedIsNotTriedAgain() {
    var random = Highest()
    var reconnector = Reconnector()
    reconnector.start()
    #expect(reconnector.ended(.insecure("expired"), now: .zero, using: &random) == .stop(.insecure("expired")))
    #expect(reconnector.state == .stopped(.insecure("expired")) && reconnector.nextDeadline == .never)
  }

  @Test func jitterIsFull() {
    var random = ChaChaGenerator(seed: 1)
    var lowest = UInt64.max
    var highest: UInt64 = 0
    for _ in 0..<1_000 {
      var backoff = Backoff()
      let wait = backoff.next(advised: nil, using: &random)
      (lowest, highest) = (min(lowest, wait), max(highest, wait))
    }
    #expect(lowest < 10 && highest > 490 && highest <= 500)
  }

  @Test func onlyAStableConnectionBeginsTheWaitsAnew() {
    var random = Highest()
    var reconnector = online()
    var now = Instant.zero
    for expected: UInt64 in [500, 1_000, 2_000] {
      let next = reconnector.ended(.lost(""), now: now, using: &random)
      #expect(milliseconds(next, since: now) == expected)
      now = now.advanced(byMilliseconds: expected)
      #expect(reconnector.due(now: now) == .connect)
      reconnector.welcomed(now: now)
      now = now.advanced(byMilliseconds: 9_999)
    }
    now = now.advanced(byMilliseconds: 1)
    let next = reconnector.ended(.lost(""), now: now, using: &random)
    #expect(milliseconds(next, since: now) == 500)
  }

  @Test func theServersPauseComesFirst() {
    var random = Highest()
    var reconnector = online()
    reconnector.advised(waitMilliseconds: 2_000)
    let next = reconnector.ended(.closed(.tryLater, reason: ""), now: .zero, using: &random)
    #expect(milliseconds(next, since: .zero) == 2_500)
    var refused = Reconnector()
    refused.start()
    let later = refused.ended(.refused(status: 503, retryAfterSeconds: 3), now: .zero, using: &random)
    #expect(milliseconds(later, since: .zero) == 3_500)
    var patient = Reconnector()
    patient.advised(waitMilliseconds: .max)
    let bounded = patient.ended(.lost(""), now: .zero, using: &random)
    #expect(milliseconds(bounded, since: .zero) == 3_600_500)
  }

  @Test func aDrainingServerNamesTheTime() {
    var random = Highest()
    var reconnector = online()
    reconnector.draining(reconnectAfterMilliseconds: 700, now: .zero)
    #expect(reconnector.due(now: Instant(nanoseconds: 699_000_000)) == .nothing)
    let early = reconnector
    #expect(reconnector.due(now: Instant(nanoseconds: 700_000_000)) == .moveOver)
    #expect(reconnector.nextDeadline == .never)
    // It goes on on the old connection, whatever became of the new one; then as after any end.
    var restarted = reconnector
    let last = restarted.ended(.closed(.restart, reason: ""), now: .zero, using: &random)
    #expect(milliseconds(last, since: .zero) == 500)
    // The new connection took the session and broke before it was heard of that: this is no takeover by others.
    var replaced = reconnector
    let again = replaced.ended(.closed(.replaced, reason: ""), now: .zero, using: &random)
    #expect(milliseconds(again, since: .zero) == 500)
    reconnector.welcomed(now: .zero)
    #expect(reconnector.ended(.closed(.replaced, reason: ""), now: .zero, using: &random) == .stop(.closed(.replaced)))
    var stubborn = online()
    stubborn.isAutomatic = false
    stubborn.draining(reconnectAfterMilliseconds: 0, now: .zero)
    #expect(stubborn.nextDeadline == .never)
    var closed = early
    let next = closed.ended(.closed(.restart, reason: ""), now: .zero, using: &random)
    #expect(milliseconds(next, since: .zero) == 700)
  }

  @Test(arguments: [
    (1000, "connect"), (1001, "connect"), (1006, "connect"), (1012, "connect"), (3999, "connect"),
    (4000, "connect"), (4099, "connect"), (4100, "connectAnew"), (4199, "connectAnew"), (4200, "renew"),
    (4299, "renew"), (4300, "connect"), (4500, "stop"), (4504, "stop"), (4599, "stop"), (4600, "connect"),
  ])
  func closeCodesAreActedOnByRange(code: UInt16, expected: String) {
    var random = Highest()
    var reconnector = online()
    let next = reconnector.ended(.closed(CloseCode(rawValue: code), reason: ""), now: .zero, using: &random)
    let word =
      switch next {
      case .connect: "connect"
      case .connectAnew: "connectAnew"
      case .renewCredential: "renew"
      case .stop: "stop"
      }
    #expect(word == expected)
  }

  @Test(arguments: [
    (401, false), (403, false), (404, false), (426, false), (302, false), (429, true), (500, true), (503, true),
  ])
  func refusalsOfTheUpgradeAreActedOnByStatus(status: Int, comesBack: Bool) {
    var random = Highest()
    var reconnector = Reconnector()
    reconnector.start()
    let next = reconnector.ended(.refused(status: status, retryAfterSeconds: nil), now: .zero, using: &random)
    #expect((milliseconds(next, since: .zero) != nil) == comesBack)
  }

  @Test func whoWasStoppedStays() {
    var random = Highest()
    var reconnector = online()
    reconnector.stop(.asked)
    #expect(reconnector.ended(.lost(""), now: .zero, using: &random) == .stop(.asked))
    #expect(reconnector.due(now: .never) == .nothing)
    reconnector.start()
    #expect(reconnector.state == .connecting && reconnector.attempt == 1)
    reconnector.isAutomatic = false
    #expect(reconnector.ended(.lost(""), now: .zero, using: &random) == .stop(.notAutomatic))
    var faulted = online()
    #expect(faulted.ended(.faulted(.binary), now: .zero, using: &random) == .stop(.serverFault(.binary)))
    var holed = online()
    let next = holed.ended(.faulted(.hole(expected: 1, got: 2)), now: .zero, using: &random)
    #expect(milliseconds(next, since: .zero) == 500)
  }

  @Test func anEndedCredentialIsRenewedWhereThatIsPossible() {
    var random = Highest()
    var reconnector = online()
    let ending = Reconnector.Ending.closed(.credentialExpired, reason: "")
    #expect(reconnector.ended(ending, now: .zero, using: &random) == .renewCredential)
    #expect(reconnector.state == .stopped(.credential))
    reconnector = online()
    reconnector.renewsCredentials = true
    let next = reconnector.ended(ending, now: .zero, using: &random)
    #expect(milliseconds(next, since: .zero) == 500 && reconnector.needsCredential)
    reconnector.renewed()
    #expect(!reconnector.needsCredential)
  }
}
