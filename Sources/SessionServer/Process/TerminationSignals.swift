import Dispatch
import Glibc

/// SIGTERM and SIGINT as a sequence: the first asks for an orderly end, the second for the end.
struct TerminationSignals: AsyncSequence, Sendable {
  typealias Element = Int32

  private let stream: AsyncStream<Int32>

  init() {
    stream = AsyncStream(bufferingPolicy: .bufferingOldest(4)) { continuation in
      let sources = [SIGTERM, SIGINT].map { number in
        // The source only hears of a signal that does not end the process.
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { continuation.yield(number) }
        source.resume()
        return source
      }
      let held = SignalSources(sources)
      continuation.onTermination = { _ in held.cancel() }
    }
  }

  func makeAsyncIterator() -> AsyncStream<Int32>.Iterator { stream.makeAsyncIterator() }
}

/// Dispatch's sources are safe to use from any thread, which their protocol does not say.
private final class SignalSources: @unchecked Sendable {
  private let sources: [any DispatchSourceSignal]

  init(_ sources: [any DispatchSourceSignal]) { self.sources = sources }

  func cancel() { for source in sources { source.cancel() } }
}
