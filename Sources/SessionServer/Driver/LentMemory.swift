import NIOCore

/// Memory that is lent to one after the other: whoever has it writes it out before the next one needs it.
struct LentMemory {
  /// It is let go of when somebody has made it larger.
  static let maxKeptByteCount = 1 << 18

  private var memory = ByteBuffer()

  mutating func take() -> ByteBuffer {
    var memory = ByteBuffer()
    swap(&memory, &self.memory)
    // Not before: whoever wrote it held it yet, and memory that is shared cannot be cleared but only made anew.
    memory.clear()
    return memory
  }

  mutating func keep(_ memory: consuming ByteBuffer) {
    guard memory.capacity <= LentMemory.maxKeptByteCount else { return }
    self.memory = memory
  }
}
