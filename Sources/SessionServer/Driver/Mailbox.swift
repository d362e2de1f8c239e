import NIOCore
import SessionCore
import Synchronization

/// What comes to a driver from other threads.
enum Mail: Sendable {
  case shard(ShardMessage)
  case answered(HookToken, Answer)
  case handled(HandlerToken, HandlerOutcome)
  case logged(LogToken, LogPosition)
  case execute(Command, CheckedContinuation<CommandResult, Never>)
  case startDraining(spreadMilliseconds: UInt64, deadlineMilliseconds: UInt64)
  case closeAll(CloseCode, reason: String)
}

/// A queue from many threads to one. The reader takes all of it at once, so that one wake-up serves many items.
final class Mailbox<Item: Sendable>: Sendable {
  private let items = Mutex<[Item]>([])

  /// True if the reader has to be woken: nothing waited before.
  func append(_ item: Item) -> Bool {
    items.withLock { items in
      items.append(item)
      return items.count == 1
    }
  }

  /// Moves all of `batch`, in its order, and leaves it empty.
  func append(contentsOf batch: inout [Item]) -> Bool {
    guard !batch.isEmpty else { return false }
    let moved = batch
    batch.removeAll(keepingCapacity: true)
    return items.withLock { items in
      items.append(contentsOf: moved)
      return items.count == moved.count
    }
  }

  /// Puts all that waits, in the order of its coming, into `batch`, which is empty and lends its memory.
  func takeAll(into batch: inout [Item]) {
    items.withLock { swap(&$0, &batch) }
  }
}

/// A driver as other threads reach it.
struct Peer: Sendable {
  let loop: any EventLoop
  let mailbox: Mailbox<Mail>
  let driver: NIOLoopBound<ShardDriver>

  func post(_ mail: Mail) {
    if mailbox.append(mail) { wake() }
  }

  func post(contentsOf batch: inout [Mail]) {
    if mailbox.append(contentsOf: &batch) { wake() }
  }

  private func wake() {
    loop.execute { driver.value.receiveMail() }
  }

  /// Runs `body` on the driver's loop and returns what it says.
  func read<Value: Sendable>(_ body: @escaping @Sendable (ShardDriver) -> Value) async throws -> Value {
    try await loop.submit { body(driver.value) }.get()
  }
}
