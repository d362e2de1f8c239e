import SessionCore
import SocketReactor
import Synchronization

/// Gives memory back to the system when the server has become empty. The allocator keeps what was freed for the next
/// that need it, which is right while there are sessions; after the last one it would keep the most that there ever was.
/// Only then, since giving back takes the allocator's locks, and nobody is to wait for that.
struct MemoryKeeper {
  /// Time between two looks.
  private static let lookSeconds: Int64 = 5

  let services: Services
  let peers: [Peer]

  /// Runs until it is cancelled.
  func run() async {
    var hasBeenBusy = false
    while (try? await Task.sleep(for: .seconds(MemoryKeeper.lookSeconds))) != nil {
      guard await isEmpty() else {
        hasBeenBusy = true
        continue
      }
      if hasBeenBusy { ProcessMemory.giveBack() }
      hasBeenBusy = false
    }
  }

  private func isEmpty() async -> Bool {
    guard services.socketCount.load(ordering: .relaxed) == 0, services.connectionCount.load(ordering: .relaxed) == 0 else {
      return false
    }
    for peer in peers {
      let count = try? await peer.read { $0.shard.activeSessionCount + $0.shard.suspendedSessionCount }
      // A driver that has ended has nothing.
      guard count ?? 0 == 0 else { return false }
    }
    return true
  }
}
