import NIOCore
import SessionClient
import SessionCore
import Synchronization
import Testing
import WebSocketFrames

private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

private final class Count: Sendable {
  let value = Atomic(0)
}

@Suite struct SessionClientTests {
  private func client(
    _ peer: TestPeer, _ configure: (inout SessionClient.Configuration) -> Void = { _ in }
  ) async throws -> ClientHandle {
    var configuration = try SessionClient.Configuration(url: peer.url)
    configuration.backoff = Backoff(floorMilliseconds: 20, ceilingMilliseconds: 50)
    configuration.session.auth = .init(scheme: "token", credential: Secret("right"))
    configuration.seed = 3
    configure(&configuration)
    return await ClientHandle.make(configuration, on: TestPeer.group)
  }

  /// A request that the server never hears of.
  private func sendIntoABlackhole(_ client: ClientHandle) async throws -> Task<IncomingMessage, any Error> {
    try await client.withClient { $0.blackhole(.out) }
    let task = Task { try await client.send(event: "echo", payload: text("1")) }
    #expect(try await eventually { try await client.withClient { $0.session.unackedCount } == 1 })
    return task
  }

  @Test func aRequestIsAnswered() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    try await client.connect()
    let reply = try await client.send(event: "echo", payload: text(#"{"x":1}"#))
    #expect(reply.payloadText == #"{"x":1}"#)
    await #expect(throws: ProtocolError.self) { try await client.send(event: "nothing", payload: text("1")) }
    await client.bye()
    #expect(try await eventually { try await peer.with { $0.sessions.isEmpty } })
  }

  @Test(arguments: [ClientConnection.Drop.fin, .rst, .clean(code: 1001)])
  func aDroppedConnectionIsResumedAndNothingIsLost(drop: ClientConnection.Drop) async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    let messages = await client.messages()
    try await client.connect()
    _ = try await client.join("lobby")
    let reader = Task {
      var payloads: [String] = []
      for await message in messages {
        payloads.append(message.payloadText)
        if payloads.count == 200 { break }
      }
      return payloads
    }
    for number in 1...200 {
      _ = try await client.withClient { client in
        try client.send(event: "say", payload: text("\(number)"), room: "lobby")
      }
      if number % 50 == 0 {
        // Dropped only when it is back from the last time, so that each drop is one resume; what was sent meanwhile
        // was sent into the drop.
        let drops = UInt64(number / 50 - 1)
        #expect(await eventually { await client.snapshot().counters.resumes == drops })
        try await client.withClient { $0.drop(drop) }
      }
    }
    #expect(await reader.value == (1...200).map { "\($0)" })
    let snapshot = await client.snapshot()
    #expect(snapshot.counters.newSessions == 1 && snapshot.counters.resumes >= 3)
    #expect(snapshot.counters.duplicates == 0 && snapshot.counters.holes == 0 && snapshot.counters.unknown == 0)
    #expect(snapshot.rooms.map(\.name) == ["lobby"])
    await client.disconnect()
  }

  @Test func requestsWaitOverADrop() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    try await client.connect()
    try await client.withClient { $0.drop(.rst) }
    #expect(try await client.send(event: "echo", payload: text("7")).payloadText == "7")
    #expect(await client.snapshot().generation == 2)
  }

  @Test func aBlackholeEndsAndNothingIsLost() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    try await client.connect()
    try await client.withClient { $0.blackhole(.both, milliseconds: 100) }
    #expect(try await client.send(event: "echo", payload: text("8")).payloadText == "8")
    #expect(await client.snapshot().counters.resumes == 0)
  }

  @Test func aResumeOvertakesTheOldConnectionInABlackhole() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    try await client.connect()
    _ = try await client.send(event: "echo", payload: text("1"))
    try await client.withClient { client in
      client.blackhole(.both)
      client.resume()
    }
    #expect(try await client.send(event: "echo", payload: text("9")).payloadText == "9")
    #expect(await client.snapshot().counters.resumes == 1)
  }

  @Test func aSilentServerIsLeft() async throws {
    var limits = Limits()
    limits.pingIntervalMilliseconds = 100
    limits.pingTimeoutMilliseconds = 100
    let peer = try await TestPeer(.shard(limits))
    let client = try await client(peer)
    try await client.connect()
    try await client.withClient { $0.blackhole(.in) }
    #expect(await eventually { await client.snapshot().counters.resumes == 1 })
  }

  @Test func pingsKeepAnIdleConnection() async throws {
    var limits = Limits()
    limits.pingIntervalMilliseconds = 30
    limits.pingTimeoutMilliseconds = 100
    let peer = try await TestPeer(.shard(limits))
    let client = try await client(peer)
    try await client.connect()
    try await Task.sleep(nanoseconds: 400_000_000)
    #expect(await client.snapshot().counters.resumes == 0)
    #expect(try await peer.with { $0.upgrades } == 1)
  }

  @Test func aWrongCredentialStopsTheClient() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer) {
      $0.session.auth = .init(scheme: "token", credential: Secret("wrong"))
    }
    await #expect(
      throws: ClientError.stopped(
        .closed(.unauthenticated), .closed(code: 4503, reason: "", wasClean: true))
    ) { try await client.connect() }
  }

  @Test func aKickedClientStopsAndARestartedServerIsComeBackTo() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    try await client.connect()
    try await peer.with { $0.closeAll(.restart) }
    #expect(await eventually { await client.snapshot().counters.resumes == 1 })
    try await peer.with { $0.kickAll() }
    #expect(
      try await eventually { try await client.withClient { $0.state } == .stopped(.closed(.revoked)) })
    try await client.connect()
    #expect(await client.snapshot().counters.newSessions == 2)
  }

  @Test func whatIsOpenIsUnknownWhenTheSessionIsRevoked() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    try await client.connect()
    let task = try await sendIntoABlackhole(client)
    try await peer.with { $0.kickAll() }
    await #expect(throws: ClientError.unknownOutcome) { try await task.value }
    #expect(await client.snapshot().counters.unknown == 1)
  }

  @Test func whoStartsOverHasEndedTheSessionAndGetsAnother() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    try await client.connect()
    let first = try await client.withClient { $0.session.sid }
    try await client.withClient { client in
      client.startOver()
      #expect(client.connection == nil && client.session.sid == nil && client.state == .stopped(.asked))
    }
    #expect(try await eventually { try await peer.with { $0.sessions.isEmpty } })
    try await client.connect()
    let second = try await client.withClient { $0.session.sid }
    #expect(first != nil && second != nil && first != second)
    let counters = await client.snapshot().counters
    #expect(counters.newSessions == 2 && counters.resumes == 0)
  }

  @Test func whatIsOpenIsUnknownToWhoStartsOver() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    try await client.connect()
    let task = try await sendIntoABlackhole(client)
    try await client.withClient { $0.startOver() }
    await #expect(throws: ClientError.unknownOutcome) { try await task.value }
  }

  @Test func aDrainingServerIsLeftAtTheTimeItNames() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer)
    try await client.connect()
    try await peer.with { $0.drain(afterMilliseconds: 100) }
    #expect(try await eventually { try await peer.with { $0.upgrades } > 1 })
    // A draining server takes nobody in: the client stays where it is until it is closed, and goes on trying then.
    #expect(try await client.send(event: "echo", payload: text("1")).payloadText == "1")
    try await peer.with { $0.closeAll(.restart) }
    #expect(try await eventually { try await client.withClient { $0.session.lastError?.code } == "server.draining" })
    #expect(try await client.withClient { $0.state } != .stopped(.asked))
  }

  @Test func versionOneTalksWithoutNumbers() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer) { $0.session.versions = [1] }
    try await client.connect()
    #expect(try await client.send(event: "echo", payload: text("1")).payloadText == "1")
    #expect(await client.snapshot().lastIn == 0)
    try await client.withClient { $0.drop(.fin) }
    try await client.connect()
    #expect(await client.snapshot().counters.resumes == 1)
  }

  @Test func withoutReconnectingItStops() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer) { $0.autoReconnect = false }
    try await client.connect()
    try await client.withClient { $0.drop(.rst) }
    #expect(try await client.withClient { $0.state } == .stopped(.notAutomatic))
    try await client.connect()
    #expect(await client.snapshot().counters.resumes == 1)
  }

  @Test func aSlowReaderHoldsTheServerUp() async throws {
    let peer = try await TestPeer()
    let client = try await client(peer) { $0.session.window = Window(messageCount: 4, byteCount: 100_000) }
    let messages = await client.messages()
    try await client.connect()
    _ = try await client.join("lobby")
    for number in 1...20 {
      _ = try await client.withClient { try $0.send(event: "say", payload: text("\(number)"), room: "lobby") }
    }
    try await Task.sleep(nanoseconds: 100_000_000)
    #expect(await client.snapshot().lastIn <= 6)
    var heard: [String] = []
    for await message in messages {
      heard.append(message.payloadText)
      if heard.count == 20 { break }
    }
    #expect(heard == (1...20).map { "\($0)" })
  }

  @Test func aCancelledRequestIsLetGo() async throws {
    let peer = try await TestPeer(.silent)
    let client = try await client(peer)
    let task = Task { try await client.send(event: "echo", payload: text("1")) }
    try await Task.sleep(nanoseconds: 20_000_000)
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func aCredentialThatEndsIsRenewedAndTheSessionResumed() async throws {
    var limits = Limits()
    limits.credentialMaxAgeMilliseconds = 150
    let peer = try await TestPeer(.shard(limits))
    let asked = Count()
    let client = try await client(peer) {
      $0.credentials = {
        // The first time nobody has one; it is asked for again.
        if asked.value.wrappingAdd(1, ordering: .relaxed).newValue == 1 { throw CancellationError() }
        return .init(scheme: "none", credential: nil)
      }
    }
    try await client.connect()
    #expect(await eventually { await client.snapshot().counters.resumes >= 2 })
    #expect(await client.snapshot().counters.newSessions == 1)
    #expect(asked.value.load(ordering: .relaxed) >= 3)
  }

  @Test func withoutANewCredentialTheClientStopsAndGoesOnWhenItIsGivenOne() async throws {
    var limits = Limits()
    limits.credentialMaxAgeMilliseconds = 150
    let peer = try await TestPeer(.shard(limits))
    let client = try await client(peer)
    try await client.connect()
    #expect(try await eventually { try await client.withClient { $0.state } == .stopped(.credential) })
    try await client.withClient { $0.renew(.init(scheme: "none", credential: nil)) }
    #expect(await eventually { await client.snapshot().counters.resumes == 1 })
  }
}
