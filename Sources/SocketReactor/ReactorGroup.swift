import Dispatch
import NIOCore
import Synchronization

/// Loops of one kind.
public final class ReactorGroup: EventLoopGroup {
  public let loops: [ReactorLoop]
  private let nextIndex = Atomic(0)

  /// - Parameter count: how many loops, at least one.
  public init(count: Int, backend: ReactorBackend) throws(ReactorFault) {
    var loops: [ReactorLoop] = []
    for index in 0..<max(1, count) {
      do {
        loops.append(try ReactorLoop(name: "reactor-\(index)", backend: backend))
      } catch {
        // Those that are there end by themselves, later.
        for loop in loops { loop.shutdownGracefully(queue: .global()) { _ in } }
        throw error
      }
    }
    self.loops = loops
  }

  public func next() -> any EventLoop {
    loops[nextIndex.wrappingAdd(1, ordering: .relaxed).oldValue % loops.count]
  }

  public func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }

  public func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
    let all = DispatchGroup()
    for loop in loops {
      all.enter()
      loop.shutdownGracefully(queue: queue) { _ in all.leave() }
    }
    all.notify(queue: queue) { callback(nil) }
  }
}
