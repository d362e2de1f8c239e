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
  let loops: ServerLoops

  /// Less is not worth the work.
  private static let leastByteCount = 1 << 18

  /// Runs until it is cancelled.
  func run() async {
    var last = Reading()
    while (try? await Task.sleep(for: .seconds(MemoryKeeper.lookSeconds))) != nil {
      guard await isEmpty(), Reading().isWorthMore(than: last) else { continue }
      // A driver that has ended has nothing.
      for peer in peers { try? await peer.read { $0.dropSpares() } }
      await loops.giveBackMemory()
      ProcessMemory.giveBack()
      last = Reading()
    }
  }

  /// Whether there is something to give back again: more is resident than the last time, or more was freed since, as
  /// deadlines hold what is left of connections for a while.
  private struct Reading {
    let residentByteCount = ProcessFigures.residentByteCount()
    let unusedByteCount = ProcessMemory.unusedByteCount

    func isWorthMore(than last: Reading) -> Bool {
      residentByteCount - last.residentByteCount > MemoryKeeper.leastByteCount
        || unusedByteCount - last.unusedByteCount > MemoryKeeper.leastByteCount
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
