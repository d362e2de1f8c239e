import CReactor
import Glibc
import NIOCore

/// io_uring(7): what is received comes by itself, into buffers that the kernel picks from a ring, and all that a tick
/// sends goes out with the one call that waits for the next.
///
/// Connections are accepted as with epoll: an accept that goes on by itself would take more of them than there may be.
///
/// What each send touches is not checked for overlapping access at run time. Proof that none overlaps: a poller is on its
/// loop's thread; the ring is not told of by its own methods; and what may lead back here (`settle`, `came`) is called
/// with copies, while no variable is being changed.
final class RingPoller: Poller {
  /// What a completion is of, in the upper four bits of its name; the others are a token, or a place in `staged`.
  private enum Kind: UInt64 {
    case input
    case readiness
    case wake
    case send
    /// A socket's file was not put into its place.
    case hold
    /// A file was not taken out of a place, which is what the name says instead of a token.
    case drop
    case nothing
  }

  private static let operationCount: UInt32 = 1_024
  private static let bufferCount: UInt32 = 128
  /// Room for what a client has under way at once; a message that lies in two buffers is copied together.
  private static let bufferByteCount: UInt32 = 32_768
  /// Bytes that wait to be submitted. A larger write goes out by itself: copying it would cost more than the call.
  private static let stageByteCount = 1 << 20
  private static let maxStagedByteCount = 1 << 13
  /// Sockets, of those that are open at once, that the kernel finds by their places in the ring and not by their
  /// descriptors, which it would have to look up and to count with each send.
  private static let filePlaceCount: UInt32 = 16_384
  private static let sendFlags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT) | Int32(MSG_WAITALL)

  private let ring: UnsafeMutablePointer<reactor_ring>
  private let waker: EventDescriptor
  private let filePlaceCount: UInt32
  private let stage: UnsafeMutableRawBufferPointer
  @exclusivity(unchecked) private var stagedByteCount = 0
  @exclusivity(unchecked) private var staged: [(socket: ReactorSocket, range: Range<Int>)] = []
  /// The last send that was prepared; void when it is submitted.
  @exclusivity(unchecked) private var lastSend: UnsafeMutablePointer<io_uring_sqe>?
  /// Completions that are not told yet.
  @exclusivity(unchecked) private var completions: [reactor_completion] = []
  /// Places with a file that could not be taken out: nobody gets them any more.
  private var lostPlaces: Set<Int> = []

  init(waker: EventDescriptor, filePlaceCount: UInt32 = RingPoller.filePlaceCount) {
    (self.waker, self.filePlaceCount) = (waker, filePlaceCount)
    ring = .allocate(capacity: 1)
    ring.initialize(to: reactor_ring())
    stage = .allocate(byteCount: RingPoller.stageByteCount, alignment: 64)
    super.init()
    ring.pointee.descriptor = -1
  }

  /// The ring is made by the thread that uses it: when a ring ends, the kernel interrupts the thread that made it.
  override func begin() throws(ReactorFault) {
    try RingProbe.run()
    let opened = reactor_ring_open(
      ring, RingPoller.operationCount, RingPoller.bufferCount, RingPoller.bufferByteCount, filePlaceCount)
    guard opened == 0 else { throw ReactorFault(call: "io_uring_setup", number: -opened) }
    let enabled = reactor_ring_enable(ring)
    guard enabled == 0 else { throw ReactorFault(call: "io_uring_register", number: -enabled) }
    watchWaker()
  }

  deinit {
    reactor_ring_close(ring)
    ring.deallocate()
    stage.deallocate()
  }

  override func wake() { waker.signal() }

  // MARK: Waiting

  override func wait(_ time: TimeAmount?) {
    table.bury()
    // Who is to hear that his bytes were taken hears it before the loop sleeps.
    var time = time
    if isAwaited {
      isAwaited = false
      flush()
      time = .zero
    }
    let mustReturn = time == .zero || !completions.isEmpty
    enter(wanted: mustReturn ? 0 : 1, mustReturn ? 0 : time?.nanoseconds ?? -1)
    collect()
    tell()
  }

  private func watchWaker() {
    reactor_ring_poll(operation(), waker.number, EPOLLIN.rawValue, true, RingPoller.name(.wake, 0))
  }

  private func enter(wanted: UInt32, _ nanoseconds: Int64) {
    let result = reactor_ring_enter(ring, wanted, nanoseconds)
    lastSend = nil
    // Interrupted, over, or the kernel wants its completions collected first.
    let isGood = result >= 0 || [EINTR, ETIME, EBUSY, EAGAIN].contains(-result)
    precondition(isGood, "io_uring_enter fails for bad arguments only: errno \(-result)")
  }

  override func flush() {
    // The kernel takes all of it, but when its own queue is full, which collecting remedies, or for want of memory.
    while reactor_ring_prepared(ring) > 0 {
      enter(wanted: 0, 0)
      collect()
    }
  }

  /// Takes what the kernel has completed, and settles what was sent: all of it has been tried by now.
  private func collect() {
    takeCompletions()
    // There were more than its queue has places for; the rest may tell of sends, too.
    while reactor_ring_has_overflow(ring) {
      enter(wanted: 0, 0)
      takeCompletions()
    }
    guard !staged.isEmpty, reactor_ring_prepared(ring) == 0 else { return }
    // Of these all was taken, so that nobody looks at their bytes any more.
    var sent: [(socket: ReactorSocket, range: Range<Int>)] = []
    swap(&sent, &staged)
    stagedByteCount = 0
    for index in sent.indices where !sent[index].range.isEmpty {
      let bytes = UnsafeRawBufferPointer(rebasing: stage[sent[index].range])
      // Not counted: `sent` has them, and nobody else has `sent`.
      Unmanaged.passUnretained(sent[index].socket)._withUnsafeGuaranteedRef { $0.settle(bytes, bytes.count) }
    }
    guard staged.isEmpty else { return }
    sent.removeAll(keepingCapacity: true)
    swap(&sent, &staged)
  }

  private func takeCompletions() {
    var completion = reactor_completion()
    while reactor_ring_next(ring, &completion) {
      if completion.name >> 60 == Kind.send.rawValue {
        settle(Int(completion.name & 0xFFFF_FFFF), Int(completion.result))
      } else if completion.name >> 60 != Kind.nothing.rawValue {
        completions.append(completion)
      }
    }
  }

  private func settle(_ index: Int, _ result: Int) {
    let (socket, range) = staged[index]
    staged[index].range = range.upperBound..<range.upperBound
    socket.settle(UnsafeRawBufferPointer(rebasing: stage[range]), result)
  }

  private func tell() {
    var index = 0
    // Telling may collect further ones.
    while index < completions.count {
      tell(completions[index])
      index += 1
    }
    completions.removeAll(keepingCapacity: true)
  }

  private func tell(_ completion: reactor_completion) {
    let token = completion.name & 0x0FFF_FFFF_FFFF_FFFF
    switch completion.name >> 60 {
    case Kind.hold.rawValue: (table[token] as? ReactorSocket)?.end(errno: -completion.result)
    case Kind.drop.rawValue: lostPlaces.insert(Int(token))
    case Kind.wake.rawValue: if !reactor_completion_goes_on(completion) { watchWaker() }
    case Kind.readiness.rawValue:
      if let socket = table[token] as? ReactorSocket { isReady(socket, completion.result) }
      if let listener = table[token] as? ReactorListener { isReady(listener) }
    default: tellInput(completion, token)
    }
  }

  // MARK: Receiving

  private func tellInput(_ completion: reactor_completion, _ token: UInt64) {
    // Only sockets are received from.
    let socket = table.lendSocket(token)
    let buffer = reactor_completion_buffer(completion)
    if buffer >= 0 {
      let bytes = UnsafeMutableRawBufferPointer(
        start: reactor_ring_buffer(ring, UInt32(buffer)), count: Int(completion.result))
      socket?._withUnsafeGuaranteedRef { $0.came(bytes) }
      reactor_ring_give_back(ring, UInt32(buffer))
    }
    if !reactor_completion_goes_on(completion) { socket?._withUnsafeGuaranteedRef { hasStopped($0, completion.result) } }
  }

  /// Nothing more comes by itself.
  private func hasStopped(_ socket: ReactorSocket, _ result: Int32) {
    socket.operations.subtract([.receives, .isCancelled])
    switch -result {
    // No buffer was free, or it was cancelled; or it stopped for reasons of the kernel's own, with bytes.
    case ENOBUFS, ECANCELED, EINTR, EAGAIN: interestChanged(socket)
    case ...(-1): interestChanged(socket)
    case 0: socket.peerEnded()
    case let fault: socket.end(errno: fault)
    }
  }

  override func interestChanged(_ socket: ReactorSocket) {
    guard !socket.isClosed else { return }
    if socket.isHeard, !socket.operations.contains(.receives) {
      socket.operations.insert(.receives)
      reactor_ring_receive(operation(), socket.number, RingPoller.name(.input, socket.token))
    } else if !socket.isHeard, socket.operations.contains(.receives), !socket.operations.contains(.isCancelled) {
      socket.operations.insert(.isCancelled)
      cancel(RingPoller.name(.input, socket.token))
    }
    poll(socket)
  }

  // MARK: Readiness

  /// Whether there is room to write, where something waits; and whether the socket broke, where it is not received from.
  private func poll(_ socket: ReactorSocket) {
    if socket.operations.contains(.polls) {
      guard socket.wantsOutput, !socket.operations.contains(.pollsOutput) else { return }
      return cancel(RingPoller.name(.readiness, socket.token))
    }
    guard socket.wantsOutput || !socket.isHeard else { return }
    socket.operations.insert(socket.wantsOutput ? [.polls, .pollsOutput] : .polls)
    reactor_ring_poll(
      operation(), socket.number, socket.wantsOutput ? EPOLLOUT.rawValue : 0, false,
      RingPoller.name(.readiness, socket.token))
  }

  private func isReady(_ socket: ReactorSocket, _ result: Int32) {
    socket.operations.subtract([.polls, .pollsOutput])
    let events = result > 0 ? UInt32(result) : 0
    if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0, !socket.isHeard { return socket.end(errno: reactor_take_fault(socket.number)) }
    if events & EPOLLOUT.rawValue != 0 { socket.outputIsReady() }
    interestChanged(socket)
  }

  private func isReady(_ listener: ReactorListener) {
    listener.isPolled = false
    listener.inputIsReady(UnsafeMutableRawBufferPointer(start: nil, count: 0), isOver: false)
    interestChanged(listener)
  }

  override func interestChanged(_ listener: ReactorListener) {
    guard table[listener.token] === listener, listener.isAccepting, !listener.isPolled else { return }
    listener.isPolled = true
    reactor_ring_poll(
      operation(), listener.number, EPOLLIN.rawValue, false, RingPoller.name(.readiness, listener.token))
  }

  // MARK: Descriptors

  override func add(_ socket: ReactorSocket) -> Bool {
    table.insert(socket)
    let place = DescriptorTable.index(socket.token)
    if place < ring.pointee.file_place_count, !lostPlaces.contains(place) {
      reactor_ring_hold_file(ring, operation(), socket.number, UInt32(place), RingPoller.name(.hold, socket.token))
      socket.operations.insert(.isHeld)
    }
    interestChanged(socket)
    return true
  }

  /// How an operation names the socket.
  private func file(_ socket: ReactorSocket) -> reactor_file {
    guard socket.operations.contains(.isHeld) else { return reactor_file(number: socket.number, is_place: false) }
    return reactor_file(number: Int32(DescriptorTable.index(socket.token)), is_place: true)
  }

  override func add(_ listener: ReactorListener) -> Bool {
    table.insert(listener)
    interestChanged(listener)
    return true
  }

  override func remove(_ descriptor: any PolledDescriptor) {
    table.remove(descriptor)
    // What was sent before goes out before; the number is not free before the kernel has come to it. Each operation is
    // cancelled by its name, which the kernel finds at once: for those of a descriptor it would look through all.
    if descriptor.isReceivedFrom { cancel(RingPoller.name(.input, descriptor.token)) }
    if descriptor.isPolled { cancel(RingPoller.name(.readiness, descriptor.token)) }
    if descriptor.isHeld {
      let place = DescriptorTable.index(descriptor.token)
      reactor_ring_drop_file(operation(), UInt32(place), RingPoller.name(.drop, UInt64(place)))
    }
    reactor_ring_close_file(operation(), descriptor.number, RingPoller.name(.nothing, 0))
    // Not before its file is out: what is prepared for the next one in this place comes behind.
    table.release(descriptor.token)
  }

  override func giveBackMemory() {
    // The kernel writes into buffers within `enter` only, and what it has written there is told of by a completion.
    guard completions.isEmpty, staged.isEmpty else { return }
    (completions, staged) = ([], [])
    reactor_forget(stage.baseAddress, stage.count)
    reactor_forget(ring.pointee.buffer_bytes, Int(ring.pointee.buffer_count) * Int(ring.pointee.buffer_size))
  }

  override func stop() {
    flush()
  }

  // MARK: Sending

  override func send(_ bytes: UnsafeRawBufferPointer, to socket: ReactorSocket) -> Int {
    let isLarge = bytes.count > RingPoller.maxStagedByteCount
    // What the socket has staged goes first; to other sockets no order is owed.
    let mustFollow = socket.stagedCount > 0 && (isLarge || !isLast(socket))
    if mustFollow || !isLarge && stagedByteCount + bytes.count > stage.count { flush() }
    makeRoom()
    // What was submitted may have shown that there is no room for more, or that nobody is there.
    guard !socket.isClosed, !socket.wantsOutput else { return 0 }
    guard !isLarge else { return reactor_send(socket.number, bytes.baseAddress, bytes.count) }
    let range = stagedByteCount..<stagedByteCount + bytes.count
    let target = UnsafeMutableRawBufferPointer(rebasing: stage[range])
    target.copyMemory(from: bytes)
    stagedByteCount = range.upperBound
    if isLast(socket), let lastSend {
      staged[staged.count - 1].range = staged[staged.count - 1].range.lowerBound..<range.upperBound
      lastSend.pointee.len += UInt32(bytes.count)
    } else {
      let send = operation()
      reactor_ring_send(
        send, file(socket), target.baseAddress, UInt32(bytes.count), RingPoller.sendFlags,
        RingPoller.name(.send, UInt64(staged.count)))
      staged.append((socket, range))
      lastSend = send
    }
    socket.stagedCount += bytes.count
    return bytes.count
  }

  private func isLast(_ socket: ReactorSocket) -> Bool { lastSend != nil && staged.last?.socket === socket }

  // MARK: Operations

  private static func name(_ kind: Kind, _ token: UInt64) -> UInt64 { kind.rawValue << 60 | token }

  private func cancel(_ name: UInt64) {
    reactor_ring_cancel(operation(), name, RingPoller.name(.nothing, 0))
  }

  /// The next one of the queue, blank.
  private func operation() -> UnsafeMutablePointer<io_uring_sqe> {
    while true {
      if let operation = reactor_ring_operation(ring) { return operation }
      makeRoom()
    }
  }

  /// Afterwards there is room for one operation at least: what is collected may prepare some itself.
  private func makeRoom() {
    while reactor_ring_is_full(ring) {
      enter(wanted: 0, 0)
      collect()
    }
  }
}
