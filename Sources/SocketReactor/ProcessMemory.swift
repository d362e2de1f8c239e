import CReactor

/// The memory of the whole process.
public enum ProcessMemory {
  /// Gives what the allocator keeps and nobody uses back to the system: malloc_trim(3). Takes the allocator's locks for
  /// as long as it lasts.
  public static func giveBack() { reactor_trim_memory() }

  /// Gives back the end of the calling thread's part of the allocator's memory, which malloc_trim(3) leaves alone but for
  /// the main thread's: it is as long as the largest that was ever freed has taught the allocator to leave it.
  public static func giveBackOfThread() { reactor_trim_thread() }

  /// Bytes that the allocator keeps and nobody uses; those that were given back are still among them. Takes the same
  /// locks.
  public static var unusedByteCount: Int { reactor_unused_memory() }
}
