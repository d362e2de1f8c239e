import NIOCore
import NIOPosix
import SessionServer
import SocketReactor
import WebSocketFrames

/// The event loops of a run.
enum LoadLoops {
  /// - Throws: `CLIError` if what was asked for does not work here, or not with this server.
  static func group(_ plan: LoadPlan) throws(CLIError) -> any EventLoopGroup {
    let backend: ReactorBackend?
    switch plan.io {
    case .nio: backend = nil
    case .auto: backend = isDirect(plan.url) ? ReactorBackend.usable.first : nil
    case .epoll: backend = try usable(.epoll, plan)
    case .uring: backend = try usable(.uring, plan)
    }
    guard let backend else { return MultiThreadedEventLoopGroup(numberOfThreads: plan.loops) }
    do throws(ReactorFault) {
      return try ReactorGroup(count: plan.loops, backend: backend)
    } catch {
      throw CLIError("--io \(backend) cannot be used: \(error)", next: nioWorks, status: .unavailable)
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
