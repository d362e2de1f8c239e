import Glibc

/// A connected Unix socket whose reads and writes wait for `timeout` at most.
struct AdminSocket: ~Copyable {
  let path: String
  private let timeout: Duration
  private let descriptor: Int32

  /// - Throws: `CLIError`, which says why nobody can be reached and what to do about it.
  static func connected(to path: String, timeout: Duration) throws(CLIError) -> AdminSocket {
    let socket = try AdminSocket(path, timeout)
    try socket.join()
    return socket
  }

  private init(_ path: String, _ timeout: Duration) throws(CLIError) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else {
      throw CLIError("cannot make a socket: \(SystemError.text(errno))", status: .unavailable)
    }
    self.path = path
    self.timeout = timeout
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  private func join() throws(CLIError) {
    let (address, length) = try Self.address(path)
    wait(atMost: timeout)
    var result: Int32
    repeat {
      result = withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
      }
    } while result != 0 && errno == EINTR
    guard result == 0 else { throw AdminSocketFault.connecting(to: path, code: errno, timeout: timeout) }
    if path == AdminSocketPath.inTemporary(), let owner = peerUser(), owner != geteuid() {
      throw AdminSocketFault.strange(path, owner: owner)
    }
  }

  /// Who listens (SO_PEERCRED, unix(7)).
  private func peerUser() -> UInt32? {
    // `struct ucred`, which Glibc leaves out.
    var credentials: (process: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
    var length = socklen_t(MemoryLayout.size(ofValue: credentials))
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 ? credentials.user : nil
  }

  /// Lets the reads that follow wait without end: events come when they come.
  func waitWithoutEnd() { wait(atMost: .zero) }

  /// On Linux these bound `connect` too: unix(7) waits there for a place in the other's queue. Zero is no bound.
  private func wait(atMost duration: Duration) {
    let microseconds = Quantity.nanoseconds(duration) / 1000
    var value = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      _ = setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  private static func address(_ path: String) throws(CLIError) -> (sockaddr_un, socklen_t) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count <= AdminSocketPath.mostBytes, !bytes.contains(0) else {
      throw .usage(
        "admin socket \(DisplayWidth.printable(path)): the path has \(bytes.count) bytes, not 1 to "
          + "\(AdminSocketPath.mostBytes)",
        next: "That is all that the address of a Unix socket holds. Give a shorter one: --socket PATH")
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return (address, socklen_t(MemoryLayout<sockaddr_un>.size))
  }

  // MARK: Bytes

  func write(_ text: String) throws(CLIError) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw failed(errno, "sending the request")
      }
    }
  }

  /// Reads what there is into `buffer`; 0 at the end of the stream.
  func read(into buffer: inout [UInt8]) throws(CLIError) -> Int {
    while true {
      let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
      if count >= 0 { return count }
      if errno != EINTR { throw failed(errno, "reading the answer") }
    }
  }

  private func failed(_ code: Int32, _ doing: String) -> CLIError {
    guard code != EAGAIN else { return AdminSocketFault.silent(path, timeout) }
    return CLIError(
      "admin socket \(DisplayWidth.printable(path)): \(SystemError.text(code)) while \(doing)",
      why: "The server went away.", next: "See its log, and try again.", status: .unavailable)
  }
}

/// The system's own words for an error number.
enum SystemError {
  static func text(_ code: Int32) -> String {
    let text = String(cString: strerror(code))
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}
