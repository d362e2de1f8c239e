import Glibc
import NIOCore
import SocketReactor

/// A way by which bytes come in and go out, with the loops that it needs. Which one it is nobody above knows.
protocol Listener: Sendable {
  /// - Throws: `ServerError`; nothing is listened on then.
  func network(_ host: String, _ port: Int) async throws(ServerError) -> any Entrance
  /// - Parameter descriptor: a Unix socket that is listened on; it belongs to the entrance, if there is one.
  func local(_ descriptor: Int32) async throws(IOError) -> any Entrance
}

/// Where connections come in.
protocol Entrance: Sendable {
  /// Of the network; nil for a Unix socket.
  var port: Int? { get }
  /// No more of them come.
  func close() async
}

extension Listener {
  static var backlog: Int32 { 4_096 }

  /// Listens wherever the configuration says.
  func listen(
    _ configuration: ServerConfiguration
  ) async throws(ServerError) -> (entrances: [any Entrance], unixSocket: UnixSocket?) {
    var entrances: [any Entrance] = []
    if configuration.listensOnNetwork {
      entrances.append(try await whenFree { () async throws(ServerError) in
        try await network(configuration.host, configuration.port)
      })
    }
    guard let settings = configuration.unixSocket else { return (entrances, nil) }
    do {
      let (entrance, socket) = try await local(settings)
      return (entrances + [entrance], socket)
    } catch {
      for entrance in entrances { await entrance.close() }
      throw error
    }
  }

  /// A port may be in use for a moment after the server that had it was killed: what io_uring holds of a process, the
  /// kernel lets go of some time after its end. So it is tried again, for about a second.
  private func whenFree(
    _ listen: () async throws(ServerError) -> any Entrance
  ) async throws(ServerError) -> any Entrance {
    for _ in 0..<20 {
      do throws(ServerError) {
        return try await listen()
      } catch {
        guard case .addressInUse = error, (try? await Task.sleep(for: .milliseconds(50))) != nil else { throw error }
      }
    }
    return try await listen()
  }

  private func local(_ settings: UnixSocketSettings) async throws(ServerError) -> (any Entrance, UnixSocket) {
    let socket: UnixSocket
    do throws(UnixSocket.Fault) {
      socket = try UnixSocket.listen(settings.path, mode: settings.mode, backlog: Self.backlog)
    } catch {
      switch error {
      case .inUse: throw .unixSocketInUse(path: settings.path)
      case .failed(let reason): throw .unixSocket(path: settings.path, reason: reason)
      }
    }
    do throws(IOError) {
      return (try await local(socket.descriptor), socket)
    } catch {
      socket.remove()
      throw .unixSocket(path: settings.path, reason: SystemError.text(error.errnoCode))
    }
  }
}

extension ServerError {
  /// What the system said of a bind, in our words.
  init(_ error: any Error, host: String, port: Int) {
    guard let error = error as? IOError else {
      self = .cannotListen(host: host, port: port, reason: "\(error)")
      return
    }
    switch error.errnoCode {
    case EADDRINUSE: self = .addressInUse(host: host, port: port)
    case EACCES, EPERM: self = .notPermitted(host: host, port: port)
    default: self = .cannotListen(host: host, port: port, reason: SystemError.text(error.errnoCode))
    }
  }
}
