import Glibc
import Synchronization

/// Standard output or standard error, line by line. Nothing is held back: whoever reads the other end of a pipe has
/// each line as soon as it is written.
package final class LineOutput: Sendable {
  package static let standardOutput = LineOutput(STDOUT_FILENO)
  package static let standardError = LineOutput(STDERR_FILENO)

  private let descriptor: Int32
  /// Keeps lines of several threads whole.
  private let turn = Mutex(())

  package init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Writes the line and its end.
  /// - Throws: `ExitStatus.brokenPipe` when the reader has gone, which ends the program without a word;
  ///   `ExitStatus.ioError` when it cannot be written for another reason.
  package func write(line: String) throws(ExitStatus) {
    try write(line + "\n")
  }

  package func write(_ text: String) throws(ExitStatus) {
    guard !text.isEmpty else { return }
    var text = text
    let status: ExitStatus? = turn.withLock { _ in
      text.withUTF8 { bytes in LineOutput.write(UnsafeRawBufferPointer(bytes), to: descriptor) }
    }
    if let status { throw status }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> ExitStatus? {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        // Another process may have made the shared terminal non-blocking.
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&state, 1, -1)
      case EPIPE: return .brokenPipe
      default: return .ioError
      }
    }
    return nil
  }
}
