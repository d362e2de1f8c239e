import Glibc
import NIOCore
import SocketReactor
import Synchronization
import Testing

@Suite struct SocketTests {
  private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

  private func withPair(_ backend: ReactorBackend, _ body: (Pair) async throws -> Void) async throws {
    try await withLoop(backend) { loop in try await body(try await Pair.make(loop)) }
  }

  @Test(arguments: ReactorBackend.usable, [1, 4_096, 3_000_000]) func whatThePeerSendsComesWhole(
    _ backend: ReactorBackend, _ count: Int
  ) async throws {
    let sent = SocketTests.bytes(count)
    try await withPair(backend) { pair in
      let writer = Task.detached { pair.peer.write(sent) }
      try await pair.wait { $0.bytes.count >= count }
      await writer.value
      #expect(try await pair.with { $0.bytes } == sent)
    }
  }

  @Test(arguments: ReactorBackend.usable) func goesOnWhenItsMemoryWasGivenBack(_ backend: ReactorBackend) async throws {
    try await withPair(backend) { pair in
      for round in 1...20 {
        try await pair.loop.giveBackMemory().get()
        let sent = SocketTests.bytes(3_000)
        pair.peer.write(sent)
        try await pair.wait { $0.bytes.count >= 3_000 * round }
        try await pair.with { $0.socket.write(ByteBuffer(bytes: sent)) }
        #expect(pair.peer.read(sent.count) == sent)
        #expect(try await pair.with { $0.bytes.suffix(3_000) } == sent[...])
      }
    }
  }

  /// More than any kernel takes at once: the rest waits, in order, and the end of the output comes after it.
  @Test(arguments: ReactorBackend.usable) func whatIsWrittenGoesOutInOrder(_ backend: ReactorBackend) async throws {
    let sent = SocketTests.bytes(5_000_000)
    try await withPair(backend) { pair in
      try await pair.with { recorder in
        for start in stride(from: 0, to: sent.count, by: 100_000) {
          recorder.socket.write(ByteBuffer(bytes: sent[start..<min(start + 100_000, sent.count)]))
        }
        recorder.socket.closeOutput()
        recorder.socket.write(ByteBuffer(string: "after the end of the output"))
      }
      let peer = pair.peer
      let read = await Task.detached { peer.read(sent.count + 1) }.value
      #expect(read == sent)
      let writability = try await pair.with { $0.writability }
      #expect(writability == [false, true])
    }
  }

  /// Small writes wait for the end of the turn, large ones do not: neither overtakes the other.
  @Test(arguments: ReactorBackend.usable) func smallAndLargeWritesKeepTheirOrder(_ backend: ReactorBackend) async throws {
    let sizes = [10, 8_191, 8_192, 1, 8_193, 20_000, 3, 4, 100_000, 5, 9_000, 8_192, 8_193]
    let sent = SocketTests.bytes(sizes.reduce(0, +))
    try await withPair(backend) { pair in
      for _ in 0..<3 {
        let reader = Task.detached { [peer = pair.peer] in peer.read(sent.count) }
        try await pair.with { recorder in
          var start = 0
          for size in sizes {
            sent[start..<start + size].withUnsafeBytes { recorder.socket.write(copying: $0) }
            start += size
          }
        }
        #expect(await reader.value == sent)
      }
    }
  }

  @Test(arguments: ReactorBackend.usable) func tellsWhenTheKernelHasTakenIt(_ backend: ReactorBackend) async throws {
    let tally = Tally()
    try await withPair(backend) { pair in
      try await pair.with { recorder in
        recorder.socket.write(ByteBuffer()) { tally.add(0) }
        recorder.socket.write(ByteBuffer(bytes: SocketTests.bytes(3_000_000))) { tally.add(1) }
        recorder.socket.write(ByteBuffer(bytes: SocketTests.bytes(10))) { tally.add(2) }
      }
      #expect(tally.all == [0])
      let peer = pair.peer
      let read = await Task.detached { peer.read(3_000_010).count }.value
      #expect(read == 3_000_010)
      try await pair.wait { _ in tally.all.count == 3 }
      #expect(tally.all == [0, 1, 2])
    }
  }

  @Test(arguments: ReactorBackend.usable) func pausedSocketIsNotRead(_ backend: ReactorBackend) async throws {
    try await withPair(backend) { pair in
      try await pair.with { $0.socket.pauseReading() }
      pair.peer.write([1, 2, 3])
      try await Task.sleep(for: .milliseconds(30))
      // A ring may have been receiving already; once it knows, nothing more comes.
      let countBefore = try await pair.with { $0.readCount }
      #expect(countBefore <= 1)
      pair.peer.write([4])
      try await Task.sleep(for: .milliseconds(30))
      #expect(try await pair.with { $0.readCount } == countBefore)
      try await pair.with { $0.socket.resumeReading() }
      try await pair.wait { $0.bytes == [1, 2, 3, 4] }
    }
  }

  /// Whoever pauses while he is handed bytes gets no more of them, however often he does it.
  @Test(arguments: ReactorBackend.usable) func pausingFromWithinARead(_ backend: ReactorBackend) async throws {
    let sent = SocketTests.bytes(400_000)
    try await withPair(backend) { pair in
      try await pair.with { recorder in
        let socket = recorder.socket
        let bound = NIOLoopBound(socket, eventLoop: pair.loop)
        recorder.onRead = { _ in
          socket.pauseReading()
          pair.loop.scheduleTask(in: .milliseconds(1)) { bound.value.resumeReading() }
        }
      }
      let writer = Task.detached { pair.peer.write(sent) }
      try await pair.wait { $0.bytes.count >= sent.count }
      await writer.value
      #expect(try await pair.with { $0.bytes } == sent)
    }
  }

  // MARK: The end

  @Test(arguments: ReactorBackend.usable) func endOfThePeerIsToldOnce(_ backend: ReactorBackend) async throws {
    try await withPair(backend) { pair in
      pair.peer.write([7])
      pair.peer.closeOutput()
      try await pair.ended()
      try await pair.with { recorder in
        recorder.socket.close()
        recorder.socket.write(ByteBuffer(string: "nobody is there"))
        recorder.socket.closeOutput()
        recorder.socket.pauseReading()
        recorder.socket.resumeReading()
      }
      #expect(try await pair.with { $0.bytes } == [7])
      #expect(try await pair.with { $0.endedCount } == 1)
    }
  }

  @Test(arguments: ReactorBackend.usable) func closingIsToldOnceAndNotAtOnce(_ backend: ReactorBackend) async throws {
    try await withPair(backend) { pair in
      let countAtOnce = try await pair.with { recorder in
        recorder.socket.write(ByteBuffer(string: "last words"))
        recorder.socket.close()
        return recorder.endedCount
      }
      #expect(countAtOnce == 0)
      try await pair.ended()
      let peer = pair.peer
      let read = await Task.detached { peer.read(100) }.value
      #expect(read == Array("last words".utf8))
      #expect(try await pair.with { $0.endedCount } == 1)
    }
  }

  @Test(arguments: ReactorBackend.usable) func closingFromWithinAReadIsToldOnce(_ backend: ReactorBackend) async throws {
    try await withPair(backend) { pair in
      try await pair.with { recorder in recorder.onRead = { [socket = recorder.socket] _ in socket.close() } }
      pair.peer.write(SocketTests.bytes(100))
      try await pair.ended()
      #expect(try await pair.with { ($0.endedCount, $0.readCount) } == (1, 1))
    }
  }

  /// A peer that is gone with bytes of ours unread: the kernel says so by an error, on a read or on a write.
  @Test(arguments: ReactorBackend.usable, [true, false]) func resetIsToldOnce(
    _ backend: ReactorBackend, _ isPaused: Bool
  ) async throws {
    try await withLoop(backend) { loop in
      var pair: Pair? = try await Pair.make(loop)
      let recorder = try #require(pair?.recorder)
      try await loop.submit {
        if isPaused { recorder.value.socket.pauseReading() }
        recorder.value.socket.write(ByteBuffer(bytes: SocketTests.bytes(100)))
      }.get()
      pair = nil
      let bytes = ByteBuffer(bytes: SocketTests.bytes(100_000))
      for _ in 0..<100 { try await loop.submit { recorder.value.socket.write(bytes) }.get() }
      try await loop.flatSubmit { recorder.value.ending }.get()
      #expect(try await loop.submit { recorder.value.endedCount }.get() == 1)
    }
  }

  @Test(arguments: ReactorBackend.usable) func endOfTheLoopEndsItsSockets(_ backend: ReactorBackend) async throws {
    let loop = try ReactorLoop(name: "test", backend: backend)
    let pair = try await Pair.make(loop)
    let ending = try await loop.submit { pair.recorder.value.ending }.get()
    try await loop.shutdownGracefully()
    try await ending.get()
    let peer = pair.peer
    #expect(await Task.detached { peer.read(1) }.value == [])
  }

  @Test(arguments: ReactorBackend.usable) func receiverIsLetGoOf(_ backend: ReactorBackend) async throws {
    try await withLoop(backend) { loop in
      let pair = try await Pair.make(loop)
      try await pair.with { $0.socket.close() }
      try await pair.ended()
      #expect(try await pair.with { $0.socket.receiver == nil })
    }
  }
}
