/// Why a server does not start.
public enum ServerError: Error, Sendable, Equatable, CustomStringConvertible {
  case addressInUse(host: String, port: Int)
  case notPermitted(host: String, port: Int)
  case cannotListen(host: String, port: Int, reason: String)
  case adminSocketInUse(path: String)
  case unixSocketInUse(path: String)
  case unixSocket(path: String, reason: String)
  /// A file of certificates or keys cannot be used; the text names it.
  case tls(String)
  /// The bytes of sockets cannot be moved in the way that was asked for.
  case io(String)
  case adminSocket(path: String, reason: String)
  /// The process may not open as many files as a server needs before its first connection.
  case tooFewFiles(needed: Int)
  /// `start` was called before.
  case startedAlready

  public var description: String {
    switch self {
    case .addressInUse(let host, let port): "cannot listen on \(host):\(port): another program listens there"
    case .notPermitted(let host, let port): "cannot listen on \(host):\(port): permission denied"
    case .cannotListen(let host, let port, let reason): "cannot listen on \(host):\(port): \(reason)"
    case .adminSocketInUse(let path): "admin socket \(path): another server listens there"
    case .adminSocket(let path, let reason): "admin socket \(path): \(reason)"
    case .unixSocketInUse(let path): "cannot listen on unix:\(path): another program listens there"
    case .unixSocket(let path, let reason): "cannot listen on unix:\(path): \(reason)"
    case .tls(let text), .io(let text): text
    case .tooFewFiles(let count): "too few open files: a server with these settings needs \(count) besides those that are open already, before its first connection"
    case .startedAlready: "the server was started before"
    }
  }
}
