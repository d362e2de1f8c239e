import CZlib

/// Compresses messages as RFC 7692 section 7.2.1 asks: raw DEFLATE, flushed at the message's end, without the four
/// bytes that every such flush ends in.
struct Deflater: ~Copyable {
  private let stream: UnsafeMutablePointer<z_stream>
  /// Emitted for a message without bytes (7.2.3.6): an empty block that is not final.
  private static let empty: [UInt8] = [0x00]
  private static let tailByteCount = 4

  /// `windowBits` 8 to 15. zlib has no raw window of 8 bits; with one of 9 it looks back 512 - 262 = 250 bytes at most
  /// (`MAX_DIST` in its deflate.h), so what it writes fits a reader with a window of 256.
  init(windowBits: Int, level: Int, memoryLevel: Int) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = deflateInit2_(
      stream, Int32(level), Z_DEFLATED, Int32(-max(9, windowBits)), Int32(memoryLevel), Z_DEFAULT_STRATEGY,
      ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "zlib takes level 1...9, memory level 1...9 and windows of 9 to 15 bits")
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// What came before is no longer referred to.
  func forget() { deflateReset(stream) }

  /// Appends the compressed form of `payload` to `output`.
  func compress(_ payload: UnsafeRawBufferPointer, into output: inout [UInt8]) {
    guard let base = payload.baseAddress, !payload.isEmpty else {
      output += Deflater.empty
      return
    }
    // zlib's interface takes a mutable pointer and does not write there (`z_const`).
    stream.pointee.next_in = UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(payload.count)
    repeat {
      withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 8) { piece in
        stream.pointee.next_out = piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(piece.count)
        deflate(stream, Z_SYNC_FLUSH)
        output.append(contentsOf: piece[..<(piece.count - Int(stream.pointee.avail_out))])
      }
      // An output that was filled to the brim may have been too small: zlib.h, deflate().
    } while stream.pointee.avail_out == 0
    output.removeLast(Deflater.tailByteCount)
  }
}
