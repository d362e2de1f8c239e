import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Errors of the system in few words.
enum ConnectError {
  static func text(_ error: any Error) -> String {
    switch error {
    case let error as IOError: text(error.errnoCode)
    case let error as NIOConnectionError:
      error.connectionErrors.first.map { text($0.error) } ?? "the name \(error.host) is not known"
    case ChannelError.connectTimeout: "timed out"
    case is SocketAddressError: "the name is not known"
    default: ClientTLS.text(error) ?? "\(error)"
    }
  }

  static func text(_ code: CInt) -> String {
    switch code {
    case ECONNREFUSED: "connection refused"
    case ECONNRESET: "connection reset"
    case ETIMEDOUT: "timed out"
    case EPIPE: "connection closed"
    case EADDRNOTAVAIL: "no local address or port is free"
    case ENOENT: "no such socket"
    case EMFILE, ENFILE: "too many open files"
    case ENETUNREACH, EHOSTUNREACH: "no route to the host"
    default: strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
  }
}
