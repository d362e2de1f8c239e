import CReactor

/// The memory of the whole process.
public enum ProcessMemory {
  /// Gives what the allocator keeps and nobody uses back to the system: malloc_trim(3). Takes the allocator's locks for
  /// as long as it lasts.
  public static func giveBack() { reactor_trim_memory() }

  /// Bytes that the allocator keeps and nobody uses; those that were given back are still among them. Takes the same
  /// locks.
  public static var unusedByteCount: Int { reactor_unused_memory() }
}
