import Dispatch
import Glibc
import Synchronization

/// SIGTERM, SIGINT and SIGHUP as a sequence: the first two ask for an orderly end and, when they come again, for the end;
/// SIGHUP asks for files to be read anew. From the moment that it exists no signal is missed, which Dispatch's own signal
/// sources do not promise. One at a time in a process.
struct OperatorSignals: AsyncSequence, Sendable {
  typealias Element = Int32

  private static let numbers = [SIGTERM, SIGINT, SIGHUP]

  private let stream: AsyncStream<Int32>

  init() {
    stream = AsyncStream(bufferingPolicy: .bufferingOldest(4)) { continuation in
      var ends: [Int32] = [-1, -1]
      guard pipe(&ends) == 0 else { return }
      for end in ends {
        _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
      }
      let (reader, writer) = (ends[0], ends[1])
      handlerPipe.store(writer, ordering: .sequentiallyConsistent)
      for number in OperatorSignals.numbers { signal(number, writeToPipe) }
      let source = DispatchSource.makeReadSource(fileDescriptor: reader, queue: .global())
      source.setEventHandler {
        var number: UInt8 = 0
        while read(reader, &number, 1) == 1 { continuation.yield(Int32(number)) }
      }
      source.setCancelHandler {
        for number in OperatorSignals.numbers { signal(number, SIG_DFL) }
        handlerPipe.store(-1, ordering: .sequentiallyConsistent)
        close(reader)
        close(writer)
      }
      source.resume()
      let held = HeldSource(source)
      continuation.onTermination = { _ in held.cancel() }
    }
  }

  func makeAsyncIterator() -> AsyncStream<Int32>.Iterator { stream.makeAsyncIterator() }
}

/// Where the handler writes; touched first before the handler is installed, so that it finds it made.
private let handlerPipe = Atomic<Int32>(-1)

/// Only what signal-safety(7) allows in a handler.
private let writeToPipe: @convention(c) (Int32) -> Void = { number in
  let before = errno
  var byte = UInt8(truncatingIfNeeded: number)
  _ = write(handlerPipe.load(ordering: .sequentiallyConsistent), &byte, 1)
  errno = before
}

/// A dispatch source is safe to use from any thread, which its protocol does not say.
private final class HeldSource: @unchecked Sendable {
  private let source: any DispatchSourceRead

  init(_ source: any DispatchSourceRead) { self.source = source }

  func cancel() { source.cancel() }
}
