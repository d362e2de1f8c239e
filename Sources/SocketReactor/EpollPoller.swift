import CReactor
import Glibc
import NIOCore

/// epoll(7), level triggered: a call to wait for many sockets, one to read each of them, one to write.
final class EpollPoller: Poller {
  /// Sockets that one wait tells of at most.
  private static let batchCount = 1_024
  /// What one read takes at most: enough that large messages need few of them.
  private static let inputByteCount = 1 << 19
  /// Never a descriptor's: the table's tokens have 60 bits.
  private static let wakeToken = UInt64.max

  private let epoll: Int32
  private let waker: EventDescriptor
  private var events: [epoll_event]
  private let input: UnsafeMutableRawBufferPointer

  init(waker: EventDescriptor) throws(ReactorFault) {
    let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw ReactorFault(call: "epoll_create1", number: errno) }
    (self.epoll, self.waker) = (epoll, waker)
    events = Array(repeating: epoll_event(), count: EpollPoller.batchCount)
    input = .allocate(byteCount: EpollPoller.inputByteCount, alignment: 64)
    super.init()
    // Edge triggered: it never has to be read.
    guard control(EPOLL_CTL_ADD, waker.number, EPOLLIN.rawValue | EPOLLET.rawValue, EpollPoller.wakeToken) else {
      throw ReactorFault(call: "epoll_ctl", number: errno)
    }
  }

  deinit {
    input.deallocate()
    Glibc.close(epoll)
  }

  private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32, _ token: UInt64) -> Bool {
    var event = epoll_event(events: events, data: epoll_data_t(u64: token))
    return epoll_ctl(epoll, operation, descriptor, &event) == 0
  }

  override func wake() { waker.signal() }

  override func wait(_ time: TimeAmount?) {
    table.bury()
    // A whole number of milliseconds, never less than was asked for.
    let timeout = time.map { Int32(clamping: ($0.nanoseconds + 999_999) / 1_000_000) } ?? -1
    let count = epoll_wait(epoll, &events, Int32(events.count), timeout)
    guard count > 0 else {
      precondition(count == 0 || errno == EINTR, "epoll_wait failed, which it does for bad arguments only: errno \(errno)")
      return
    }
    for index in 0..<Int(count) {
      let event = events[index]
      guard let descriptor = table[event.data.u64] else { continue }
      let isOver = event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
      if isOver || event.events & EPOLLIN.rawValue != 0 { descriptor.inputIsReady(input, isOver: isOver) }
      if event.events & EPOLLOUT.rawValue != 0 { descriptor.outputIsReady() }
    }
  }

  override func add(_ socket: ReactorSocket) -> Bool { add(socket, interest(socket)) }

  override func add(_ listener: ReactorListener) -> Bool { add(listener, EPOLLIN.rawValue) }

  private func add(_ descriptor: any PolledDescriptor, _ events: UInt32) -> Bool {
    table.insert(descriptor)
    guard control(EPOLL_CTL_ADD, descriptor.number, events, descriptor.token) else {
      forget(descriptor)
      return false
    }
    return true
  }

  private func forget(_ descriptor: any PolledDescriptor) {
    table.remove(descriptor)
    table.release(descriptor.token)
  }

  private func interest(_ socket: ReactorSocket) -> UInt32 {
    (socket.isHeard ? EPOLLIN.rawValue : 0) | (socket.wantsOutput ? EPOLLOUT.rawValue : 0)
  }

  override func interestChanged(_ socket: ReactorSocket) {
    if !control(EPOLL_CTL_MOD, socket.number, interest(socket), socket.token) { socket.end() }
  }

  override func interestChanged(_ listener: ReactorListener) {
    let events = listener.isAccepting ? EPOLLIN.rawValue : 0
    precondition(
      control(EPOLL_CTL_MOD, listener.number, events, listener.token),
      "a change of what is there already needs no memory: epoll_ctl(2)")
  }

  override func send(_ bytes: UnsafeRawBufferPointer, to socket: ReactorSocket) -> Int {
    reactor_send(socket.number, bytes.baseAddress, bytes.count)
  }

  override func remove(_ descriptor: any PolledDescriptor) {
    forget(descriptor)
    // The kernel forgets a descriptor that is closed; no other refers to the same socket.
    Glibc.close(descriptor.number)
  }

  override func giveBackMemory() { reactor_forget(input.baseAddress, input.count) }

  override func stop() {}
}
