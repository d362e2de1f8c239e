import SessionCore
import Testing
import WebSocketFrames
import wscore

@Suite struct LoadScheduleTests {
  private let schedule = LoadSchedule(seed: 7, sessionCount: 50, ratePerSecond: 1000, duration: .seconds(10))

  @Test func timetable() {
    #expect(schedule.messageCount == 10_000)
    #expect(schedule.offset(of: 0) == 0 && schedule.offset(of: 1) == 1_000_000)
    #expect(schedule.offset(of: 9_999) == 9_999_000_000)
  }

  @Test func theSeedDecides() {
    let again = LoadSchedule(seed: 7, sessionCount: 50, ratePerSecond: 1000, duration: .seconds(10))
    let other = LoadSchedule(seed: 8, sessionCount: 50, ratePerSecond: 1000, duration: .seconds(10))
    let senders = (0..<1000).map(schedule.sender)
    #expect(senders == (0..<1000).map(again.sender))
    #expect(senders != (0..<1000).map(other.sender))
  }

  @Test func sendersAreEven() {
    var counts = Array(repeating: 0, count: 50)
    for index in 0..<schedule.messageCount { counts[schedule.sender(of: index)] += 1 }
    #expect(counts.allSatisfy { 130...270 ~= $0 })
  }

  @Test func aMessageIsFoundByItsNumber() {
    let indexes = (0..<schedule.messageCount).filter { schedule.sender(of: $0) == 11 }
    #expect(schedule.offset(ofMessage: 3, from: 11) == schedule.offset(of: indexes[2]))
    #expect(schedule.offset(ofMessage: 100_000, from: 11) == nil)
  }

  @Test func stormsHitExactlyTheirShare() {
    let storm = Storm(percent: 30, at: .seconds(1))
    let first = schedule.targets(of: storm, position: 0)
    #expect(first.count == 15 && Set(first).count == 15 && first == first.sorted())
    #expect(first != schedule.targets(of: storm, position: 1))
    #expect(first == schedule.targets(of: storm, position: 0))
    #expect(schedule.targets(of: Storm(percent: 100, at: .zero), position: 0) == Array(0..<50))
    #expect(schedule.targets(of: Storm(percent: 0.1, at: .zero), position: 0).count == 1)
  }

  @Test(arguments: [(10, 3), (7, 7), (9, 1), (5000, 1000)])
  func roomsHoldEverybodyOnce(_ sessions: Int, _ rooms: Int) {
    let layout = RoomLayout(sessionCount: sessions, roomCount: rooms)
    var seen: Set<Int> = []
    for room in 0..<rooms {
      for position in 0..<layout.memberCount(room) {
        let session = layout.session(room: room, position: position)
        #expect(layout.room(of: session) == room && layout.position(of: session) == position && session < sessions)
        seen.insert(session)
      }
    }
    #expect(seen.count == sessions)
  }
}

@Suite struct LoadArgumentTests {
  @Test func storms() {
    #expect(Storm("100%@15s") == Storm(percent: 100, at: .seconds(15)))
    #expect(Storm("2.5%@500ms") == Storm(percent: 2.5, at: .milliseconds(500)))
  }

  @Test(arguments: [
    "", "100@15s", "100%", "100%@15", "0%@1s", "101%@1s", "-5%@1s", "1e1%@1s", "%@1s", "5%@1s@2s", "nan%@1s",
  ])
  func notStorms(_ text: String) { #expect(Storm(text) == nil) }

  @Test func backoffs() {
    #expect(BackoffRange("50ms..2s") == BackoffRange(floor: .milliseconds(50), ceiling: .seconds(2)))
    for text in ["50ms", "2s..50ms", "..", "50..100", "1s.2s"] { #expect(BackoffRange(text) == nil) }
  }

  @Test func ratesAndSizesNeedNoUnit() throws {
    #expect(try LoadArguments.rate("5000").perSecond == 5000)
    #expect(try LoadArguments.rate("5000/s").perSecond == 5000)
    #expect(try LoadArguments.rate("0").perSecond == 0)
    #expect(throws: (any Error).self) { try LoadArguments.rate("-1") }
    #expect(try LoadArguments.bytes("128").bytes == 128)
    #expect(try LoadArguments.bytes("4KiB").bytes == 4096)
  }

  @Test func thresholds() throws {
    let resume = try Threshold("resume.p99<250ms")
    #expect(resume.metric == "resume.p99" && resume.comparison == .less && resume.bound == 250)
    let gap = try Threshold("gap == 0")
    #expect(gap.metric == "gap" && gap.comparison == .equal && gap.bound == 0)
    #expect(try Threshold("latency.p99.9<=1s").bound == 1000)
    #expect(try Threshold("rate>=4900/s").bound == 4900)
  }

  @Test(arguments: ["", "gap", "resume.p99<250", "resume.p101<1s", "resume<1s", "los==0", "gap==x", "latency.p<1s"])
  func notThresholds(_ text: String) { #expect(throws: CLIError.self) { try Threshold(text) } }

  @Test func plansAreChecked() throws {
    var plan = LoadPlan(url: try WebSocketURL("ws://127.0.0.1:1/ws"))
    try plan.check()
    plan.storms = [Storm(percent: 1, at: .seconds(60))]
    #expect(throws: CLIError.self) { try plan.check() }
    plan.storms = []
    plan.rooms = plan.sessions + 1
    #expect(throws: CLIError.self) { try plan.check() }
    plan.rooms = 1
    (plan.rate, plan.duration) = (0.5, .seconds(1))
    #expect(throws: CLIError.self) { try plan.check() }
    plan.duration = .seconds(2)
    try plan.check()
    plan.rate = 0
    try plan.check()
  }

  @Test func sourceAddressesAreSpread() throws {
    var plan = LoadPlan(url: try WebSocketURL("ws://127.0.0.1:1/ws"))
    #expect(plan.localAddress(of: 0) == nil)
    plan.sessions = 1_000_000
    let addresses = (0..<plan.sessions).map { plan.localAddress(of: $0) }
    #expect(!addresses.contains(nil) && Set(addresses).count == 250)
    plan.url = try WebSocketURL("ws://example.org/ws")
    #expect(plan.localAddress(of: 999_999) == nil)
  }
}

@Suite struct LoadPayloadTests {
  @Test(arguments: [0, 60, 128, 1000])
  func roundTrip(_ count: Int) throws {
    let payload = LoadPayload(sender: 4999, number: 12, intended: 123_456_789_012, handed: 123_456_790_000)
    let bytes = payload.bytes(byteCount: count)
    #expect(bytes.count >= count && bytes.count <= max(count, 80))
    var isWhole = false
    #expect(LoadPayload(scanning: bytes.span, byteCount: count, isWhole: &isWhole) == payload && isWhole)
    #expect(try JSONValue(parsing: bytes)["t"]?.unsignedValue == 123_456_789_012)
  }

  @Test(arguments: [
    "", "{}", "null", #"{"s":}"#, #"{"s":1,"n":2,"t":3}"#, #"{"s":1,"n":4294967296,"t":3,"a":4}"#, #"{"n":1,"s":2}"#,
    #"{"s":1111111111111111111111,"n":2,"t":3,"a":4}"#, #"{"s":-1,"n":2,"t":3,"a":4}"#,
  ])
  func others(_ text: String) {
    var isWhole = false
    #expect(LoadPayload(scanning: Array(text.utf8).span, byteCount: 0, isWhole: &isWhole) == nil && !isWhole)
  }

  /// A server may write it with blanks, and must leave nothing of it out.
  @Test(arguments: [
    (#"{ "s":1, "n":2, "t":3, "a":4, "p":"\#(String(repeating: "x", count: 67))" }"#, true),
    (#"{ "s":1, "n":2, "t":3, "a":4, "p":"\#(String(repeating: "x", count: 66))" }"#, false),
    (#"{"s":1,"n":2,"t":3,"a":4,"p":"\#(String(repeating: "x", count: 67))"}"#, true),
    (#"{"s":1,"n":2,"t":3,"a":4,"p":"\#(String(repeating: "x", count: 66))y"}"#, false),
    (#"{"s":1,"n":2,"t":3,"a":4,"p":"\#(String(repeating: "x", count: 68))"}"#, false),
    (#"{"s":1,"n":2,"t":3,"a":4}"#, false),
  ])
  func whatIsLeftOutOrChangedIsSeen(_ text: String, _ expected: Bool) {
    var isWhole = false
    let payload = LoadPayload(sender: 1, number: 2, intended: 3, handed: 4)
    #expect(payload.bytes(byteCount: 99).count == 99)
    #expect(LoadPayload(scanning: Array(text.utf8).span, byteCount: 99, isWhole: &isWhole) == payload && isWhole == expected)
  }
}

@Suite struct LoadReportTests {
  private static func latencies(_ milliseconds: ClosedRange<UInt64>) -> Latencies {
    var latencies = Latencies()
    for value in milliseconds { latencies.record(nanoseconds: value * 1_000_000) }
    return latencies
  }

  @Test func percentiles() {
    var latencies = Self.latencies(1...50)
    latencies.add(Self.latencies(51...100))
    #expect(latencies.count == 100)
    for (name, expected) in [("p50", 50.0), ("p90", 90), ("p99", 99), ("max", 100), ("mean", 50.5)] {
      let value = latencies.milliseconds(named: name) ?? 0
      #expect(abs(value - expected) / expected < 0.002, "\(name) is \(value)")
    }
    #expect(Latencies().milliseconds(named: "p50") == nil)
  }

  @Test func longTimesAreHeldAtAnHour() {
    var latencies = Latencies()
    latencies.record(nanoseconds: .max)
    latencies.record(from: 5, to: 3)
    #expect(latencies.count == 2 && (latencies.maxMilliseconds ?? 0) >= 3_600_000)
  }

  private static func report() -> LoadReport {
    var report = LoadReport()
    (report.targetRate, report.achievedRate) = (100, 100)
    (report.scheduled, report.sent, report.sessions, report.seconds) = (100, 100, 10, 1)
    report.resume = latencies(1...100)
    return report
  }

  @Test func statuses() throws {
    var report = Self.report()
    #expect(report.status == .ok)
    report.judge([try Threshold("resume.p99<50ms")])
    #expect(report.status == .thresholdMissed)
    report.achievedRate = 90
    #expect(report.status == .invalidRun && report.invalidity != nil)
    report.isPartial = true
    #expect(report.status == .interrupted)
    report.notResumed = 1
    #expect(report.status == .invariantBroken)
  }

  @Test func lateGeneratorsAreInvalid() {
    var report = Self.report()
    report.lag = Self.latencies(300...400)
    #expect(report.status == .invalidRun)
  }

  @Test func thresholdsOverNothingAreMissed() throws {
    var report = Self.report()
    report.judge([try Threshold("latency.p99<1s"), try Threshold("lost==0"), try Threshold("resume.max<=1s")])
    #expect(report.missedThresholds.map(\.metric) == ["latency.p99"])
  }

  @Test func jsonAndText() throws {
    var report = Self.report()
    report.tally.note(Counterexample(.lost, 0, 3, 4, 1, expected: 1, at: nil))
    report.tally.lost = 1
    report.judge([try Threshold("lost==0")])
    let json = try JSONValue(parsing: report.json.bytes)
    #expect(json["verdict"]?.stringValue == "failed" && json["lost"]?.unsignedValue == 1)
    #expect(json["resume_ms"]?["p50"] != .null && json["latency_ms"]?["p50"] == .null)
    #expect(json["counterexample"]?["receiver"]?.unsignedValue == 3)
    let text = report.lines(Style(isColoured: false)).joined(separator: "\n")
    #expect(text.contains("FAILED") && text.contains("receiver 3, sender 4, message 1") && text.contains("seed"))
  }
}
