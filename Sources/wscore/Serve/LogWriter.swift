import Dispatch
import Synchronization

/// Writes log lines behind a bounded queue, on a thread of its own: whoever reads standard error, and stops reading it, holds
/// no event loop up and no signal.
final class LogWriter: Sendable {
  /// What may wait, while as much again is being written.
  static let maxWaitingByteCount = 524_288
  /// How long the program's end waits for the last lines.
  private static let finishMilliseconds = 1_000

  private struct State {
    var waiting = ""
    var leftOutCount: UInt64 = 0
    var isWriting = false
  }

  private let output: LineOutput
  /// The line that tells how many were left out.
  private let notice: @Sendable (UInt64) -> String
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "wscore.log")

  init(_ output: LineOutput, notice: @escaping @Sendable (UInt64) -> String) { (self.output, self.notice) = (output, notice) }

  func write(line: String) {
    let begins = state.withLock { state in
      guard state.waiting.utf8.count + line.utf8.count < LogWriter.maxWaitingByteCount else {
        state.leftOutCount += 1
        return false
      }
      state.waiting += line
      state.waiting += "\n"
      defer { state.isWriting = true }
      return !state.isWriting
    }
    if begins { queue.async { self.writeWaiting() } }
  }

  private func writeWaiting() {
    // Nobody is left to be told if standard error is closed.
    while let text = take() { try? output.write(text) }
  }

  private func take() -> String? {
    state.withLock { state in
      var text = ""
      swap(&text, &state.waiting)
      if state.leftOutCount > 0 { text += notice(state.leftOutCount) + "\n" }
      state.leftOutCount = 0
      state.isWriting = !text.isEmpty
      return text.isEmpty ? nil : text
    }
  }

  /// Waits for what was logged, for a moment at most.
  func finish() {
    let isDone = DispatchSemaphore(value: 0)
    queue.async { isDone.signal() }
    _ = isDone.wait(timeout: .now() + .milliseconds(LogWriter.finishMilliseconds))
  }
}
