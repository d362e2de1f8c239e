import NIOCore
import NIOPosix
import SessionServer
import SocketReactor
import WebSocketFrames

/// The event loops of a run.
enum LoadLoops {
  /// - Throws: `CLIError` if what was asked for does not work here, or not with this server.
  static func group(_ plan: LoadPlan) throws(CLIError) -> any EventLoopGroup {
    switch plan.io {
    case .nio: break
    case .epoll: return try group(.epoll, plan)
    case .uring: return try group(.uring, plan)
    case .auto:
      // What cannot be had for so many loops is passed over, as what does not work at all.
      for backend in isDirect(plan.url) ? ReactorBackend.usable : [] {
        if let group = try? ReactorGroup(count: plan.loops, backend: backend) { return group }
      }
    }
    return MultiThreadedEventLoopGroup(numberOfThreads: plan.loops)
  }

  private static func group(_ backend: ReactorBackend, _ plan: LoadPlan) throws(CLIError) -> ReactorGroup {
    let backend = try usable(backend, plan)
    do throws(ReactorFault) {
      return try ReactorGroup(count: plan.loops, backend: backend)
    } catch {
      throw CLIError("--io \(backend) cannot be used: \(error)", next: nioWorks, status: .unavailable)
    }
  }

  /// Which one the loops are of.
  static func io(of group: any EventLoopGroup) -> SocketBackend {
    switch (group as? ReactorGroup)?.loops[0].backend {
    case .epoll: .epoll
    case .uring: .uring
    case nil: .nio
    }
  }

  private static let nioWorks = "Use --io nio, which works everywhere."

  private static func usable(_ backend: ReactorBackend, _ plan: LoadPlan) throws(CLIError) -> ReactorBackend {
    guard isDirect(plan.url) else {
      throw .usage("--io \(backend) connects to IP addresses without TLS only, and not to \(plan.url)", next: nioWorks)
    }
    if let fault = backend.fault {
      throw CLIError("--io \(backend) does not work here: \(fault)", next: nioWorks, status: .unavailable)
    }
    return backend
  }

  /// Whether a loop of our own can connect there: a name may have several addresses, of which NIO tries all.
  private static func isDirect(_ url: WebSocketURL) -> Bool {
    !url.isSecure && url.unixPath == nil && (try? SocketAddress(ipAddress: url.host, port: url.port)) != nil
  }
}
