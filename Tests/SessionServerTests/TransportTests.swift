import SessionCore
import SessionServer
import Testing

/// The seam between sessions and transports: one suite, written once, over each of them and from one to another.
@Suite(.serialized) struct TransportTests {
  /// Two transports in turn: the session begins on the first and goes on over the second.
  struct Way: CustomTestStringConvertible, Sendable {
    var first, second: TestTransport
    var testDescription: String { "\(first) to \(second)" }

    static let all = TestTransport.allCases.flatMap { first in
      TestTransport.allCases.map { Way(first: first, second: $0) }
    }
  }

  private func running(
    _ change: (inout ServerConfiguration) -> Void = { _ in }, _ body: (SessionServer) async throws -> Void
  ) async throws {
    var configuration = ServerConfiguration()
    (configuration.port, configuration.loopCount, configuration.drainTimeoutMilliseconds) = (0, 2, 0)
    change(&configuration)
    let server = SessionServer(configuration)
    server.addBuiltins()
    try await server.start()
    do { try await body(server) } catch {
      await server.shutdown()
      throw error
    }
    await server.shutdown()
  }

  private func publish(_ server: SessionServer, _ room: String, _ number: Int) async {
    #expect(await server.publish("chat", to: room, payload: Array("\(number)".utf8)).sessionCount == 1)
  }

  @Test(arguments: TestTransport.allCases)
  func aNewSessionTalks(transport: TestTransport) async throws {
    try await running { server in
      let ann = TestMember(server, user: "ann")
      let welcome = try await ann.connect(transport)
      #expect(welcome["resumed"] == .bool(false) && welcome["principal"]?["user"] == "ann")
      try await ann.join("r")
      for number in 1...20 { await publish(server, "r", number) }
      for number in 1...20 { #expect(try await ann.next("event")["payload"] == .int(number)) }
      for number in 1...20 { try await ann.echo(.int(number)) }
      for number in 1...20 { #expect(try await ann.next("reply")["payload"] == .int(number)) }
      try await ann.send([.init("type", .string("bye"))])
      #expect(try await ann.closeCode() == 1_000)
    }
  }

  @Test(arguments: Way.all)
  func aResumeReplaysWhatWasMissed(way: Way) async throws {
    try await running { server in
      let ann = TestMember(server, user: "ann")
      try await ann.connect(way.first)
      try await ann.join("r")
      await ann.drop()
      for number in 1...100 { await publish(server, "r", number) }
      let welcome = try await ann.connect(way.second)
      #expect(welcome["resumed"] == .bool(true) && welcome["last_in"] == 1)
      for number in 1...100 { #expect(try await ann.next("event")["payload"] == .int(number)) }
      await publish(server, "r", 101)
      #expect(try await ann.next("event")["payload"] == 101)
    }
  }

  @Test(arguments: Way.all)
  func aDuplicateIsDroppedAndAcknowledged(way: Way) async throws {
    try await running { server in
      let ann = TestMember(server, user: "ann")
      try await ann.connect(way.first)
      try await ann.echo("once")
      _ = try await ann.next("reply")
      await ann.drop()
      #expect(try await ann.connect(way.second)["last_in"] == 1)
      try await ann.echo("once", seq: 1)
      try await ann.echo("twice")
      #expect(try await ann.next("reply")["payload"] == "twice")
    }
  }

  @Test(arguments: Way.all)
  func theNewestConnectionWins(way: Way) async throws {
    try await running { server in
      let ann = TestMember(server, user: "ann")
      try await ann.connect(way.first)
      let older = try #require(ann.wire)
      #expect(try await ann.connect(way.second)["resumed"] == .bool(true))
      var end = try await older.receive()
      while case .message = end { end = try await older.receive() }
      #expect(end == .closed(4_504))
      try await ann.echo("mine")
      #expect(try await ann.next("reply")["payload"] == "mine")
    }
  }

  @Test(arguments: Way.all)
  func whatDoesNotFitIsNamed(way: Way) async throws {
    try await running({ $0.limits.outbox.messageCount = 8 }) { server in
      let ann = TestMember(server, user: "ann")
      try await ann.connect(way.first)
      try await ann.join("r")
      await ann.drop()
      for number in 1...20 { await publish(server, "r", number) }
      try await ann.connect(way.second)
      let gap = try await ann.next("gap")["payload"]
      let count = try #require(gap?["count"]?.unsignedValue)
      #expect(gap?["reason"] == "overflow" && gap?["rooms"] == .array([.string("r")]) && count >= 12)
      for number in (count + 1)...20 { #expect(try await ann.next("event")["payload"] == .int(number)) }
    }
  }

  @Test(arguments: Way.all)
  func theTokenRotates(way: Way) async throws {
    try await running { server in
      let ann = TestMember(server, user: "ann")
      try await ann.connect(way.first)
      let first = ann.token
      await ann.drop()
      try await ann.connect(way.second)
      #expect(ann.token != first)
      try await ann.acknowledge()
      try await ann.echo("heard")
      _ = try await ann.next("reply")
      await ann.drop()
      try await ann.greet(way.first, token: first)
      #expect(try await ann.next("error")["payload"]?["code"] == "session.token_reuse")
      #expect(try await ann.closeCode() == 4_506)
    }
  }

  @Test(arguments: Way.all)
  func aWrongTokenGivesAnotherSession(way: Way) async throws {
    try await running { server in
      let ann = TestMember(server, user: "ann")
      try await ann.connect(way.first)
      let welcome = try await TestMember(server, copying: ann).connect(way.second, token: "nonsense")
      #expect(welcome["resumed"] == .bool(false) && welcome["reason"] == "token")
      try await ann.echo("still mine")
      #expect(try await ann.next("reply")["payload"] == "still mine")
    }
  }

  @Test(arguments: Way.all)
  func threeDropsWithoutTraffic(way: Way) async throws {
    try await running { server in
      let ann = TestMember(server, user: "ann")
      try await ann.connect(way.first)
      for (index, transport) in [way.second, way.first, way.second].enumerated() {
        await ann.drop()
        let welcome = try await ann.connect(transport)
        #expect(welcome["resumed"] == .bool(true) && welcome["replay"] == .null && welcome["gen"] == .int(index + 2))
      }
      try await ann.echo("here")
      #expect(try await ann.next("reply")["payload"] == "here")
    }
  }

  @Test(arguments: Way.all)
  func anAckFromTheFutureLeavesTheSessionAlone(way: Way) async throws {
    try await running { server in
      let ann = TestMember(server, user: "ann")
      try await ann.connect(way.first)
      await ann.drop()
      try await ann.greet(way.second, ack: 7)
      #expect(try await ann.next("error")["payload"]?["code"] == "ack.invalid")
      #expect(try await ann.closeCode() == 4_501)
      #expect(try await ann.connect(way.first)["resumed"] == .bool(true))
    }
  }

  /// Every transport after every other, with a publisher that never waits: exactly once, in order (`TestMember.note`).
  @Test func aSessionGoesFromTransportToTransport() async throws {
    let count = 5_000
    try await running({ $0.limits.outbox.messageCount = 8_192 }) { server in
      let ann = TestMember(server, user: "ann")
      try await ann.connect(.webSocket)
      try await ann.join("r")
      let publisher = Task {
        for number in 1...count { await publish(server, "r", number) }
      }
      let turns = Way.all.flatMap { [$0.first, $0.second] }
      for number in 1...count {
        if number % 250 == 0 {
          await ann.drop()
          #expect(try await ann.connect(turns[number / 250 % turns.count])["resumed"] == .bool(true))
        }
        #expect(try await ann.next("event")["payload"] == .int(number))
        if number % 50 == 0 { try await ann.acknowledge() }
      }
      await publisher.value
    }
  }
}

@Suite struct InProcessConnectionTests {
  @Test func aServerThatDoesNotRunTakesNobody() async throws {
    await #expect(throws: InProcessConnection.Closed.self) { try await SessionServer().connectInProcess() }
  }

  @Test func theStopOfTheServerEndsIt() async throws {
    var configuration = ServerConfiguration()
    (configuration.port, configuration.drainTimeoutMilliseconds) = (0, 0)
    let server = SessionServer(configuration)
    try await server.start()
    let connection = try await server.connectInProcess()
    #expect(server.connectionCount == 1)
    await server.shutdown()
    #expect(await connection.receive() == .closed(code: 1_012, reason: "the server stops"))
    await #expect(throws: InProcessConnection.Closed(code: 1_012, reason: "the server stops")) {
      try await connection.send(Array("{}".utf8))
    }
  }

  @Test func aMessageThatIsTooLongEndsIt() async throws {
    var configuration = ServerConfiguration()
    (configuration.port, configuration.drainTimeoutMilliseconds) = (0, 0)
    configuration.limits.messageByteCount = 1_000
    let server = SessionServer(configuration)
    try await server.start()
    let connection = try await server.connectInProcess()
    await #expect(throws: InProcessConnection.Closed.self) { try await connection.send([UInt8](repeating: 0x20, count: 1_001)) }
    #expect(await connection.receive() == .closed(code: 1_009, reason: "the message is too long"))
    await server.shutdown()
  }

  /// What nobody receives is bounded: the rest waits in the session, which has its own bound.
  @Test func whoDoesNotReceiveHoldsUpNobody() async throws {
    var configuration = ServerConfiguration()
    (configuration.port, configuration.drainTimeoutMilliseconds) = (0, 0)
    let server = SessionServer(configuration)
    server.addBuiltins()
    try await server.start()
    let ann = TestMember(server, user: "ann")
    try await ann.connect(.inProcess)
    try await ann.join("r")
    let payload = Array("\"\(String(repeating: "x", count: 10_000))\"".utf8)
    for _ in 1...200 { #expect(await server.publish("chat", to: "r", payload: payload).sessionCount == 1) }
    // More than the pipe and the outbox hold: some are in a gap, and all are accounted for.
    while ann.last < 201 {
      let before = ann.last
      guard case .message(let message)? = try await ann.wire?.receive() else { break }
      try ann.note(message)
      if ann.last != before { try await ann.acknowledge() }
    }
    #expect(ann.last == 201)
    await server.shutdown()
  }
}
