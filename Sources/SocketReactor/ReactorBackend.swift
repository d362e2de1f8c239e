/// The kernel's interfaces that a loop can use, the best first.
public enum ReactorBackend: String, Sendable, CaseIterable {
  case uring
  case epoll

  /// Those that work here.
  public static var usable: [ReactorBackend] { allCases.filter { $0.fault == nil } }

  /// Why it does not work here; nil if it does.
  public var fault: ReactorFault? {
    switch self {
    case .uring: ReactorBackend.ringFault
    case .epoll: nil
    }
  }

  private static let ringFault: ReactorFault? = {
    // In a loop, since the kernel interrupts a thread that made a ring when the ring ends.
    do throws(ReactorFault) {
      let loop = try ReactorLoop(name: "probe", backend: .uring)
      loop.shutdownGracefully(queue: .global()) { _ in }
      return nil
    } catch {
      return error
    }
  }()
}
