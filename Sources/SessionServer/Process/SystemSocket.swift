import Glibc
import NIOCore

/// Listening sockets of the network.
enum SystemSocket {
  /// Binds and listens. Does not share its port: a second server there is to fail.
  static func listen(on address: SocketAddress, backlog: Int32) throws(IOError) -> Int32 {
    let family: Int32 = if case .v6 = address { AF_INET6 } else { AF_INET }
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(family, type, 0)
    guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
    // So that a server can start again while connections of the one before are in TIME_WAIT.
    set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    let isListening = address.withSockAddr { pointer, size in
      bind(descriptor, pointer, socklen_t(size)) == 0 && Glibc.listen(descriptor, backlog) == 0
    }
    guard isListening else {
      let number = errno
      close(descriptor)
      throw IOError(errnoCode: number, reason: "bind")
    }
    return descriptor
  }

  /// The port that a socket of the network is bound to.
  static func port(of descriptor: Int32) -> Int? {
    var storage = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let isKnown = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
    }
    // Both families have the port in the same place: ip(7), ipv6(7).
    return isKnown ? Int(UInt16(bigEndian: storage.sin6_port)) : nil
  }

  /// Does not hold small packets back. Means nothing to a Unix socket, which refuses it.
  static func sendAtOnce(_ descriptor: Int32) { set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    _ = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}
