import Glibc
import NIOCore
import SocketReactor
import Synchronization
import Testing

/// Numbers in the order of their coming, from any thread.
final class Tally: Sendable {
  private let values = Mutex<[Int]>([])

  func add(_ value: Int) { values.withLock { $0.append(value) } }

  var all: [Int] { values.withLock { $0 } }
}

final class Counter: Sendable {
  private let count = Atomic(0)

  func increment() { count.add(1, ordering: .relaxed) }

  var value: Int { count.load(ordering: .relaxed) }
}

func withLoop<Value>(
  _ backend: ReactorBackend, _ body: (ReactorLoop) async throws -> Value
) async throws -> Value {
  let loop = try ReactorLoop(name: "test", backend: backend)
  do {
    let value = try await body(loop)
    try await loop.shutdownGracefully()
    return value
  } catch {
    try await loop.shutdownGracefully()
    throw error
  }
}

@Suite struct LoopTests {
  @Test(arguments: ReactorBackend.usable) func tasksRunInTheOrderOfTheirComing(_ backend: ReactorBackend) async throws {
    let tally = Tally()
    try await withLoop(backend) { loop in
      for number in 0..<1_000 { loop.execute { tally.add(number) } }
      try await loop.submit {}.get()
    }
    #expect(tally.all == Array(0..<1_000))
  }

  @Test(arguments: ReactorBackend.usable) func taskGivenOnTheLoopRunsAfterTheOneThatGivesIt(
    _ backend: ReactorBackend
  ) async throws {
    let tally = Tally()
    try await withLoop(backend) { loop in
      try await loop.submit {
        loop.execute { tally.add(2) }
        tally.add(1)
      }.get()
      try await loop.submit {}.get()
    }
    #expect(tally.all == [1, 2])
  }

  @Test(arguments: ReactorBackend.usable) func knowsItsThread(_ backend: ReactorBackend) async throws {
    let (inside, outside) = try await withLoop(backend) { loop in
      (try await loop.submit { loop.inEventLoop }.get(), loop.inEventLoop)
    }
    #expect(inside)
    #expect(!outside)
  }

  @Test(arguments: ReactorBackend.usable) func errorOfATaskIsItsFutures(_ backend: ReactorBackend) async throws {
    struct Fault: Error {}
    try await withLoop(backend) { loop in
      let future = loop.submit { () throws -> Int in throw Fault() }
      await #expect(throws: Fault.self) { try await future.get() }
    }
  }

  /// From many threads, while the loop falls asleep again and again: none of them may be forgotten.
  @Test(arguments: ReactorBackend.usable) func tasksOfManyThreadsWakeIt(_ backend: ReactorBackend) async throws {
    let count = Counter()
    try await withLoop(backend) { loop in
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            for _ in 0..<500 {
              await withCheckedContinuation { continuation in
                loop.execute {
                  count.increment()
                  continuation.resume()
                }
              }
            }
          }
        }
      }
    }
    #expect(count.value == 4_000)
  }

  @Test(arguments: ReactorBackend.usable) func timersRunInTheOrderOfTheirDeadlines(_ backend: ReactorBackend) async throws {
    let tally = Tally()
    try await withLoop(backend) { loop in
      let now = NIODeadline.now()
      let last = loop.scheduleTask(deadline: now + .milliseconds(40)) { tally.add(3) }
      loop.scheduleTask(deadline: now + .milliseconds(20)) { tally.add(1) }
      loop.scheduleTask(deadline: now + .milliseconds(20)) { tally.add(2) }
      loop.scheduleTask(deadline: now - .seconds(1)) { tally.add(0) }
      try await last.futureResult.get()
      #expect(NIODeadline.now() >= now + .milliseconds(40))
    }
    #expect(tally.all == [0, 1, 2, 3])
  }

  @Test(arguments: ReactorBackend.usable) func cancelledTimerDoesNotRun(_ backend: ReactorBackend) async throws {
    let tally = Tally()
    try await withLoop(backend) { loop in
      let cancelled = loop.scheduleTask(in: .milliseconds(10)) { tally.add(1) }
      cancelled.cancel()
      await #expect(throws: EventLoopError.self) { try await cancelled.futureResult.get() }
      try await loop.scheduleTask(in: .milliseconds(30)) { tally.add(2) }.futureResult.get()
    }
    #expect(tally.all == [2])
  }

  /// What is set and cancelled all the time, as timeouts of requests are, leaves nothing behind.
  @Test(arguments: ReactorBackend.usable) func cancelledTimersAreLetGoOf(_ backend: ReactorBackend) async throws {
    final class Held: Sendable {}
    final class WeakHeld {
      weak var value: Held?
      init(_ value: Held) { self.value = value }
    }
    try await withLoop(backend) { loop in
      let alive = try await loop.submit {
        var seen: [WeakHeld] = []
        for _ in 0..<10_000 {
          let held = Held()
          seen.append(WeakHeld(held))
          loop.scheduleTask(in: .hours(1)) { _ = held }.cancel()
        }
        return seen.count { $0.value != nil }
      }.get()
      #expect(alive == 0)
    }
  }

  // MARK: The end

  @Test(arguments: ReactorBackend.usable) func endFailsTimersAndRunsTasks(_ backend: ReactorBackend) async throws {
    let tally = Tally()
    let loop = try ReactorLoop(name: "test", backend: backend)
    let timer = loop.scheduleTask(in: .hours(1)) { tally.add(0) }
    timer.futureResult.whenFailure { _ in loop.execute { tally.add(2) } }
    loop.execute { loop.execute { tally.add(1) } }
    try await loop.shutdownGracefully()
    await #expect(throws: EventLoopError.self) { try await timer.futureResult.get() }
    #expect(tally.all == [1, 2])
  }

  @Test(arguments: ReactorBackend.usable) func afterItsEndNothingHangs(_ backend: ReactorBackend) async throws {
    let loop = try ReactorLoop(name: "test", backend: backend)
    try await loop.shutdownGracefully()
    try await loop.shutdownGracefully()
    await #expect(throws: EventLoopError.self) { try await loop.submit { 1 }.get() }
    await #expect(throws: EventLoopError.self) { try await loop.scheduleTask(in: .zero) { 1 }.futureResult.get() }
    let promise = loop.makePromise(of: Int.self)
    promise.succeed(3)
    #expect(try await promise.futureResult.get() == 3)
  }

  @Test(arguments: ReactorBackend.usable) func tasksDuringTheEndAreNotLost(_ backend: ReactorBackend) async throws {
    for _ in 0..<50 {
      let loop = try ReactorLoop(name: "test", backend: backend)
      let count = Counter()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask { for _ in 0..<100 { loop.execute { count.increment() } } }
        }
        group.addTask { try? await loop.shutdownGracefully() }
      }
      // Those that came late run on their own threads, which may be at it still.
      while count.value < 400 { await Task.yield() }
    }
  }

  @Test(arguments: ReactorBackend.usable) func loopIsFreedAfterItsEnd(_ backend: ReactorBackend) async throws {
    weak var freed: ReactorLoop?
    do {
      let loop = try ReactorLoop(name: "test", backend: backend)
      freed = loop
      try await loop.shutdownGracefully()
    }
    // The thread lets go of it as its last deed.
    for _ in 0..<1_000 where freed != nil { try await Task.sleep(for: .milliseconds(1)) }
    #expect(freed == nil)
  }

  /// What a thread freed last lies at the end of its part of the allocator's memory, where malloc_trim(3) leaves it.
  /// A sanitizer brings an allocator of its own, which keeps what was freed.
  @Test(.disabled(if: getenv("TSAN_OPTIONS") != nil || getenv("ASAN_OPTIONS") != nil))
  func theEndOfAThreadsMemoryIsGivenBack() async throws {
    // Threads of other tests may share that part, and take what was freed: then the try shows nothing.
    for _ in 1...50 {
      let count = try await withLoop(.epoll) { loop in
        try await loop.submit { LoopTests.residentPageCounts() }.get()
      }
      // A page or two is left for each of the blocks that it takes to forget them.
      if count.before > LoopTests.blockCount * 20, count.after < LoopTests.blockCount * 3 { return }
    }
    Issue.record("it stays")
  }

  private static let blockCount = 64

  /// Of what was freed, before and after giving back.
  private static func residentPageCounts() -> (before: Int, after: Int) {
    // One that is mapped by itself: the allocator keeps twice as much from now on.
    UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 20, alignment: 16).deallocate()
    // The last ones, so that they are the end of what was ever used.
    var blocks: [UnsafeMutableRawBufferPointer] = []
    blocks.reserveCapacity(blockCount)
    for _ in 0..<blockCount {
      let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 100_000, alignment: 16)
      block.initializeMemory(as: UInt8.self, repeating: 1)
      blocks.append(block)
    }
    for block in blocks { block.deallocate() }
    ProcessMemory.giveBack()
    let before = residentPageCount(blocks)
    ProcessMemory.giveBackOfThread()
    return (before, residentPageCount(blocks))
  }
}

/// mincore(2): whole pages only.
private func residentPageCount(_ blocks: [UnsafeMutableRawBufferPointer]) -> Int {
  let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
  return blocks.reduce(0) { count, block in
    let address = UInt(bitPattern: block.baseAddress)
    let start = (address + page - 1) / page * page, end = (address + UInt(block.count)) / page * page
    var states = [UInt8](repeating: 0, count: Int((end - start) / page))
    // Memory that is no longer mapped is not resident.
    guard mincore(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), &states) == 0 else { return count }
    return count + states.count { $0 & 1 == 1 }
  }
}
