import CReactor
import Glibc

/// What containers and old kernels lack is found out by doing it: a byte goes through a ring and a pair of sockets.
enum RingProbe {
  static func run() throws(ReactorFault) {
    var ring = reactor_ring()
    var pair: [Int32] = [0, 0]
    let opened = reactor_ring_open(&ring, 8, 8, 512, 0)
    guard opened == 0 else { throw ReactorFault(call: "io_uring_setup", number: -opened) }
    defer { reactor_ring_close(&ring) }
    let enabled = reactor_ring_enable(&ring)
    guard enabled == 0 else { throw ReactorFault(call: "io_uring_register", number: -enabled) }
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
      throw ReactorFault(call: "socketpair", number: errno)
    }
    defer { for descriptor in pair { close(descriptor) } }
    try exchange(&ring, pair)
  }

  private static func exchange(_ ring: inout reactor_ring, _ pair: [Int32]) throws(ReactorFault) {
    var byte: UInt8 = 0x2A
    guard let receive = reactor_ring_operation(&ring) else { throw ReactorFault(call: "io_uring", number: EBUSY) }
    reactor_ring_receive(receive, pair[0], 1)
    guard write(pair[1], &byte, 1) == 1 else { throw ReactorFault(call: "write", number: errno) }
    let entered = reactor_ring_enter(&ring, 1, 1_000_000_000)
    guard entered == 1 else { throw ReactorFault(call: "io_uring_enter", number: -min(entered, -ETIME)) }
    var completion = reactor_completion()
    guard reactor_ring_next(&ring, &completion), completion.name == 1, completion.result == 1 else {
      throw ReactorFault(call: "receive by io_uring", number: completion.result < 0 ? -completion.result : EPROTO)
    }
    let buffer = reactor_completion_buffer(completion)
    guard buffer >= 0, reactor_completion_goes_on(completion), reactor_ring_buffer(&ring, UInt32(buffer)).pointee == byte
    else { throw ReactorFault(call: "receive by io_uring", number: EOPNOTSUPP) }
  }
}
