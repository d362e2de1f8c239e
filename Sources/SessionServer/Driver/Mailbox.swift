import NIOCore
import SessionCore
import Synchronization

/// What comes to a driver from other threads.
enum Mail: Sendable {
  case shard(ShardMessage)
  case answered(HookToken, Answer)
  case handled(HandlerToken, HandlerOutcome)
  case logged(LogToken, LogPosition)
  /// Messages for the event stream whose channel has this digest.
  case batch(Batch, channel: [UInt8])
  case execute(Command, CheckedContinuation<CommandResult, Never>)
  case startDraining(spreadMilliseconds: UInt64, deadlineMilliseconds: UInt64?)
  case stopDraining
  /// The outboxes of another shard have made it too much for all together.
  case roomIsNeeded
  case closeAll(CloseCode, reason: String)
}

/// A queue from many threads to one. The reader takes all of it at once, so that one wake-up serves many items.
package final class Mailbox<Item: Sendable>: Sendable {
  /// What became of items that were put in.
  package enum Outcome: Sendable {
    /// Nothing waited before: the reader has to be woken.
    case mustWake
    case waits
    /// The reader is gone, and the items with it.
    case closed
  }

  private struct State {
    var items: [Item] = []
    var isClosed = false
  }

  private let state = Mutex(State())

  package init() {}

  package func append(_ item: Item) -> Outcome {
    state.withLock { state in
      guard !state.isClosed else { return .closed }
      state.items.append(item)
      return state.items.count == 1 ? .mustWake : .waits
    }
  }

  /// Moves all of `batch`, in its order, and leaves it empty.
  package func append(contentsOf batch: inout [Item]) -> Outcome {
    guard !batch.isEmpty else { return .waits }
    let moved = batch
    batch.removeAll(keepingCapacity: true)
    return state.withLock { state in
      guard !state.isClosed else { return .closed }
      state.items.append(contentsOf: moved)
      return state.items.count == moved.count ? .mustWake : .waits
    }
  }

  /// Puts all that waits, in the order of its coming, into `batch`, which is empty and lends its memory.
  package func takeAll(into batch: inout [Item]) {
    state.withLock { swap(&$0.items, &batch) }
  }

  /// Gives up the room that is kept for what may come.
  package func dropSpares() {
    state.withLock { $0.items.dropSpareRoom() }
  }

  /// Takes nothing more; what waits can still be taken.
  package func close() {
    state.withLock { $0.isClosed = true }
  }
}

/// A driver as other threads reach it.
struct Peer: Sendable {
  let loop: any EventLoop
  let mailbox: Mailbox<Mail>
  let driver: NIOLoopBound<ShardDriver>

  /// False if the driver is gone.
  @discardableResult
  func post(_ mail: Mail) -> Bool {
    let outcome = mailbox.append(mail)
    if outcome == .mustWake { wake() }
    return outcome != .closed
  }

  func post(contentsOf batch: inout [Mail]) {
    if mailbox.append(contentsOf: &batch) == .mustWake { wake() }
  }

  private func wake() {
    loop.execute { driver.value.receiveMail() }
  }

  /// Runs `body` on the driver's loop and returns what it says.
  func read<Value: Sendable>(_ body: @escaping @Sendable (ShardDriver) -> Value) async throws -> Value {
    try await loop.submit { body(driver.value) }.get()
  }
}
