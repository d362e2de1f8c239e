import CReactor
import Dispatch
import Glibc
import NIOCore
import Synchronization

/// An event loop that moves bytes itself: one thread, which waits in the kernel for sockets, timers and tasks. To all
/// that only uses an `EventLoop` it is one of NIO's.
///
/// Tasks of one thread run in the order in which they were given. One that is given on the loop runs when all that the
/// kernel told at once has been handed over, before the loop waits again.
///
/// After its end it runs what it is given on the thread that gives it, one after the other, so that futures still
/// complete; nothing can be scheduled or submitted any more.
//
// Why the compiler may be told that it is `Sendable`: the stored properties are constant and `Sendable`, or synchronise
// themselves (`incoming`, the atomics), or are touched by the owner only: the loop's thread, and after its end one
// thread at a time, which `incoming` names under its lock (`hasOwner`).
public final class ReactorLoop: EventLoop, @unchecked Sendable {
  private struct Incoming {
    var tasks: [LoopTask] = []
    /// The thread has ended, or is about to.
    var isEnded = false
    /// Somebody runs the tasks; once the loop has ended it may be nobody.
    var hasOwner = true
    var endings: [@Sendable () -> Void] = []
  }

  /// Which one of the kernel's interfaces it uses.
  public let backend: ReactorBackend
  private let name: String
  private let incoming = Mutex(Incoming())
  /// How many tasks are in `incoming`, to be looked at without its lock.
  private let incomingCount = Atomic(0)
  private let isAsleep = Atomic(false)
  /// The thread that may touch what is not shared; 0 for none.
  private let owner = Atomic<UInt>(0)
  private let waker: EventDescriptor
  /// Why the thread could not begin.
  private let beginFault = Mutex<ReactorFault?>(nil)

  let poller: Poller
  // Not checked for overlapping access at run time. Proof that none overlaps: each access reads or changes one of them,
  // calls nobody, and ends; tasks are run out of a copy of `running`.
  @exclusivity(unchecked) private var timers = TimerHeap()
  @exclusivity(unchecked) private var tasks: [LoopTask] = []
  @exclusivity(unchecked) private var running: [LoopTask] = []
  @exclusivity(unchecked) private var isStopping = false

  /// Rounds of tasks that lead to further tasks, at the end of the loop.
  private static let maxEndingRounds = 1_000

  public convenience init(name: String, backend: ReactorBackend) throws(ReactorFault) {
    try self.init(name: name, backend) { waker throws(ReactorFault) in
      switch backend {
      case .epoll: try EpollPoller(waker: waker)
      case .uring: RingPoller(waker: waker)
      }
    }
  }

  /// Over io_uring, with so many places for files in the ring.
  package convenience init(name: String, filePlaceCount: UInt32) throws(ReactorFault) {
    try self.init(name: name, .uring) { RingPoller(waker: $0, filePlaceCount: filePlaceCount) }
  }

  private init(
    name: String, _ backend: ReactorBackend, _ makePoller: (EventDescriptor) throws(ReactorFault) -> Poller
  ) throws(ReactorFault) {
    (self.name, self.backend) = (name, backend)
    waker = try EventDescriptor()
    poller = try makePoller(waker)
    try start()
  }

  private func start() throws(ReactorFault) {
    let isReady = DispatchSemaphore(value: 0)
    let body = Unmanaged.passRetained(ThreadBody { [self] in run(isReady) })
    var thread = pthread_t()
    let fault = pthread_create(&thread, nil, { argument in
      // The argument is the `body` above, retained for this one use.
      if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
      return nil
    }, body.toOpaque())
    guard fault == 0 else {
      body.release()
      throw ReactorFault(call: "pthread_create", number: fault)
    }
    pthread_detach(thread)
    isReady.wait()
    if let fault = beginFault.withLock({ $0 }) { throw fault }
  }

  // MARK: The thread

  private func run(_ isReady: DispatchSemaphore) {
    reactor_name_thread(name)
    owner.store(UInt(pthread_self()), ordering: .relaxed)
    do throws(ReactorFault) {
      try poller.begin()
    } catch {
      beginFault.withLock { $0 = error }
      isReady.signal()
      return
    }
    isReady.signal()
    repeat {
      runTasks()
      takeIncoming()
      runTimers()
      if isStopping { return end() }
      wait()
    } while true
  }

  /// Sleeps unless there is something to do. Whoever adds a task looks whether the loop sleeps after he has added it, the
  /// loop looks for tasks after it has said that it sleeps: one of both sees the other.
  private func wait() {
    guard tasks.isEmpty else { return poller.wait(.zero) }
    isAsleep.store(true, ordering: .sequentiallyConsistent)
    if incomingCount.load(ordering: .sequentiallyConsistent) > 0 {
      poller.wait(.zero)
    } else {
      poller.wait(timers.next.map { max(.zero, $0 - .now()) })
    }
    isAsleep.store(false, ordering: .relaxed)
  }

  private func runTasks() {
    guard !tasks.isEmpty else { return }
    swap(&tasks, &running)
    for task in running { task.body() }
    running.removeAll(keepingCapacity: running.capacity <= 4_096)
  }

  private func takeIncoming() {
    guard incomingCount.load(ordering: .relaxed) > 0 else { return }
    incoming.withLock { incoming in
      swap(&incoming.tasks, &running)
      incomingCount.store(0, ordering: .relaxed)
    }
    for task in running { task.body() }
    running.removeAll(keepingCapacity: running.capacity <= 4_096)
    runTasks()
  }

  private func runTimers() {
    guard timers.next != nil else { return }
    let now = NIODeadline.now()
    guard let first = timers.popDue(now) else { return }
    first(.due)
    while let body = timers.popDue(now) { body(.due) }
    runTasks()
  }

  // MARK: Tasks

  public var inEventLoop: Bool { owner.load(ordering: .relaxed) == UInt(pthread_self()) }

  public func execute(_ task: @escaping @Sendable () -> Void) {
    if inEventLoop { return tasks.append(LoopTask(body: task)) }
    let mustRun = incoming.withLock { incoming in
      incoming.tasks.append(LoopTask(body: task))
      incomingCount.add(1, ordering: .sequentiallyConsistent)
      if incoming.hasOwner { return false }
      incoming.hasOwner = true
      return true
    }
    if mustRun { return runLate() }
    if isAsleep.load(ordering: .sequentiallyConsistent), isAsleep.exchange(false, ordering: .relaxed) { poller.wake() }
  }

  /// On the loop only: `body` runs when all has been handed over that the loop has now.
  func perform(_ body: @escaping () -> Void) { tasks.append(LoopTask(body: body)) }

  public func submit<T>(_ task: @escaping @Sendable () throws -> T) -> EventLoopFuture<T> {
    guard !hasEnded else { return makeFailedFuture(EventLoopError.shutdown) }
    let promise = makePromise(of: T.self)
    execute { [self] in
      // It may have ended meanwhile.
      guard !hasEnded else { return promise.fail(EventLoopError.shutdown) }
      promise.assumeIsolated().completeWith(Result { try task() })
    }
    return promise.futureResult
  }

  private var hasEnded: Bool { incoming.withLock { $0.isEnded } }

  // MARK: Timers

  @discardableResult
  public func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
    let promise = makePromise(of: T.self)
    let timer = LoopTimer()
    onLoop { [self] in
      guard !timer.isCancelled else { return }
      guard !isStopping else { return promise.fail(EventLoopError.shutdown) }
      timer.entry = timers.insert(deadline) { call in
        switch call {
        case .due: promise.assumeIsolated().completeWith(Result { try task() })
        case .shutdown: promise.fail(EventLoopError.shutdown)
        }
      }
    }
    return Scheduled(promise: promise) { [self] in
      onLoop { [self] in
        timer.isCancelled = true
        if let entry = timer.entry { timers.cancel(entry) }
      }
    }
  }

  @discardableResult
  public func scheduleTask<T>(in time: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
    scheduleTask(deadline: .now() + time, task)
  }

  private func onLoop(_ body: @escaping @Sendable () -> Void) {
    if inEventLoop { body() } else { execute(body) }
  }

  // MARK: Sockets

  /// Takes a connected socket that does not block, and reads from it. On the loop only. Nil, and the descriptor closed,
  /// if the kernel has no room for it.
  /// - Parameter whenEnded: called once, after the receiver was told of the socket's end.
  public func adopt(_ descriptor: Int32, whenEnded: @escaping @Sendable () -> Void) -> ByteSocket? {
    preconditionInEventLoop()
    let socket = ReactorSocket(number: descriptor, loop: self, whenEnded: whenEnded)
    guard !isStopping, poller.add(socket) else {
      Glibc.close(descriptor)
      return nil
    }
    return socket
  }

  /// Begins to connect to an IP address. On the loop only.
  /// - Parameters:
  ///   - local: the address to connect from, its port left to the system; nil leaves all of it.
  ///   - whenConnected: called once, unless it ends before. Until then nothing can be written, and nothing is read.
  ///   - whenEnded: called once, after the receiver was told of the socket's end; not if this throws.
  public func connect(
    to peer: SocketAddress, from local: SocketAddress? = nil, whenConnected: @escaping () -> Void,
    whenEnded: @escaping @Sendable () -> Void
  ) throws(ReactorFault) -> ReactorSocket {
    preconditionInEventLoop()
    let number = peer.withSockAddr { peer, peerLength in
      guard let local else { return reactor_connect(peer, socklen_t(peerLength), nil, 0) }
      return local.withSockAddr { reactor_connect(peer, socklen_t(peerLength), $0, socklen_t($1)) }
    }
    guard number >= 0 else { throw ReactorFault(call: "connect", number: -number) }
    let socket = ReactorSocket(number: number, loop: self, whenConnected: whenConnected, whenEnded: whenEnded)
    guard !isStopping, poller.add(socket) else {
      Glibc.close(number)
      throw ReactorFault(call: "connect", number: isStopping ? ECANCELED : ENOMEM)
    }
    return socket
  }

  /// Accepts the connections of a listening socket that does not block. On the loop only; the descriptor is closed with
  /// the listener. Nil, and the descriptor closed, if the kernel has no room for it.
  public func listen(_ descriptor: Int32, _ taker: any ConnectionTaker) -> ReactorListener? {
    preconditionInEventLoop()
    let listener = ReactorListener(number: descriptor, loop: self, taker: taker)
    guard !isStopping, poller.add(listener) else {
      Glibc.close(descriptor)
      return nil
    }
    return listener
  }

  /// Gives the memory of the loop's buffers back to the system, and what the thread's own part of the allocator keeps;
  /// they take it again as they are needed. From any thread.
  public func giveBackMemory() -> EventLoopFuture<Void> {
    submit { [self] in
      poller.giveBackMemory()
      ProcessMemory.giveBackOfThread()
    }
  }

  // MARK: The end

  /// Closes the sockets, of which each is told, runs the tasks that are there and those that come of them, lets timers
  /// fail with `EventLoopError.shutdown`, and ends the thread.
  public func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
    let isEnded = incoming.withLock { incoming in
      guard !incoming.isEnded else { return true }
      incoming.endings.append { queue.async { callback(nil) } }
      return false
    }
    guard !isEnded else { return queue.async { callback(nil) } }
    execute { [self] in isStopping = true }
  }

  private func end() {
    for descriptor in poller.table.all { descriptor.loopEnds() }
    for _ in 0..<ReactorLoop.maxEndingRounds {
      for body in timers.removeAll() { body(.shutdown) }
      runTasks()
      takeIncoming()
      if tasks.isEmpty, incomingCount.load(ordering: .relaxed) == 0 { break }
    }
    poller.stop()
    let endings = incoming.withLock { incoming in
      incoming.isEnded = true
      return incoming.endings
    }
    runLate()
    for ending in endings { ending() }
  }

  /// As the owner: runs all that is there, and is the owner no longer.
  private func runLate() {
    owner.store(UInt(pthread_self()), ordering: .relaxed)
    while true {
      let isIdle = incoming.withLock { incoming in
        swap(&incoming.tasks, &tasks)
        guard tasks.isEmpty else { return false }
        owner.store(0, ordering: .relaxed)
        incoming.hasOwner = false
        return true
      }
      if isIdle { return }
      while !tasks.isEmpty { runTasks() }
    }
  }
}

/// What is to run. A closure by itself would be wrapped in another one, which takes memory, to stand in a list.
private struct LoopTask {
  let body: () -> Void
}

/// What a thread runs.
private final class ThreadBody {
  private let body: () -> Void

  init(_ body: @escaping () -> Void) { self.body = body }

  func run() { body() }
}

/// What is to be cancelled, from the setting of a timer on.
//
// `Sendable` since it is touched on its loop only, which `scheduleTask` sees to.
private final class LoopTimer: @unchecked Sendable {
  var isCancelled = false
  var entry: TimerEntry?
}
