import CZlib

/// Decompresses messages: RFC 7692 section 7.2.2. The size of what comes out is bounded while it comes out, so a small
/// message cannot become a large one.
struct Inflater: ~Copyable {
  enum Outcome: Equatable {
    case done
    case tooBig
    case corrupt
  }

  private let stream: UnsafeMutablePointer<z_stream>
  /// Appended to every message before it is read (7.2.2).
  private static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

  init(windowBits: Int) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = inflateInit2_(stream, Int32(-windowBits), ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "zlib reads raw windows of 8 to 15 bits")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// What came before is no longer referred to.
  func forget() { inflateReset(stream) }

  /// Appends what `payload` holds to `output`, at most `limit` bytes.
  func decompress(_ payload: UnsafeRawBufferPointer, limit: Int, into output: inout [UInt8]) -> Outcome {
    let most = output.count + limit
    let outcome = read(payload, most, &output)
    return outcome == .done ? Inflater.tail.withUnsafeBytes { read($0, most, &output) } : outcome
  }

  private func read(_ input: UnsafeRawBufferPointer, _ most: Int, _ output: inout [UInt8]) -> Outcome {
    guard let base = input.baseAddress else { return .done }
    // zlib's interface takes a mutable pointer and does not write there (`z_const`).
    stream.pointee.next_in = UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(input.count)
    while true {
      let before = stream.pointee.avail_in
      let (status, count) = step(&output)
      guard output.count <= most else { return .tooBig }
      switch status {
      case Z_STREAM_END:
        // A final block may come, and more behind it (7.2.3.4); what was decompressed before can still be referred to.
        guard inflateResetKeep(stream) == Z_OK else { return .corrupt }
        if stream.pointee.avail_in == 0 { return .done }
      case Z_OK, Z_BUF_ERROR:
        if stream.pointee.avail_in == 0, stream.pointee.avail_out > 0 { return .done }
      default: return .corrupt
      }
      // Every step takes something in or gives something out; a stream that does neither is at its end.
      guard stream.pointee.avail_in < before || count > 0 else { return .corrupt }
    }
  }

  private func step(_ output: inout [UInt8]) -> (status: Int32, byteCount: Int) {
    withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 8) { piece in
      stream.pointee.next_out = piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(piece.count)
      let status = inflate(stream, Z_SYNC_FLUSH)
      let count = piece.count - Int(stream.pointee.avail_out)
      output.append(contentsOf: piece[..<count])
      return (status, count)
    }
  }
}
