import NIOCore
import SessionCore
import WebSocketFrames

/// What a session is sent, compressed (RFC 7692): one for a driver, since one connection is written at a time.
final class OutputCompressor {
  /// The end of a message, as it was compressed with a window of one size.
  private struct Key: Hashable {
    /// Held, so that no other bytes can come to its place in memory.
    let tail: [UInt8]
    let windowBits: Int

    private var address: UnsafeRawPointer? { tail.withUnsafeBytes { $0.baseAddress } }

    static func == (left: Key, right: Key) -> Bool {
      left.address == right.address && left.windowBits == right.windowBits
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(address)
      hasher.combine(windowBits)
    }
  }

  let pool: CompressionPool
  private var tails = TailCache<Key>()
  private var payload: [UInt8] = []

  init(_ settings: CompressionSettings) { pool = CompressionPool(settings) }

  /// Lets go of what is kept to be used again.
  func dropSpares() {
    tails.removeAll()
    payload = []
    pool.dropSpares()
  }

  func append(_ output: borrowing OutputBuffer, _ compression: borrowing MessageCompression, to scratch: inout ByteBuffer) {
    for (index, range) in output.messages.enumerated() {
      guard index >= output.plainCount, compression.isWorthwhile(range.count) else {
        OutputCompressor.appendFrame(output.bytes[range], isCompressed: false, to: &scratch)
        continue
      }
      payload.removeAll(keepingCapacity: payload.capacity <= 1 << 18)
      if compression.joinsParts {
        join(output.bytes[range], tail: output.tails[index], compression)
        // What hardly becomes shorter goes as it is; nothing refers to it.
        let isShorter = payload.count < range.count
        OutputCompressor.appendFrame(isShorter ? payload[...] : output.bytes[range], isCompressed: isShorter, to: &scratch)
      } else {
        output.bytes.withUnsafeBytes { compression.compress(UnsafeRawBufferPointer(rebasing: $0[range]), into: &payload) }
        OutputCompressor.appendFrame(payload[...], isCompressed: true, to: &scratch)
      }
    }
  }

  /// The head, which is short and differs for each receiver, as it is; then the tail, compressed once for all of them.
  private func join(_ message: ArraySlice<UInt8>, tail: [UInt8], _ compression: borrowing MessageCompression) {
    message.dropLast(tail.count).withUnsafeBytes { MessageCompression.appendStored($0, to: &payload) }
    let key = Key(tail: tail, windowBits: compression.windowBits)
    if let known = tails[key] {
      payload += known
    } else {
      var compressed: [UInt8] = []
      tail.withUnsafeBytes { compression.compress($0, into: &compressed) }
      tails.insert(compressed, for: key, keyByteCount: tail.count)
      payload += compressed
    }
  }

  private static func appendFrame(_ payload: ArraySlice<UInt8>, isCompressed: Bool, to scratch: inout ByteBuffer) {
    let header = FrameWriter.headerLength(forPayload: payload.count)
    scratch.writeWithUnsafeMutableBytes(minimumWritableBytes: header) { target in
      FrameWriter.writeHeader(.text, payload: payload.count, isCompressed: isCompressed, to: target)
      return header
    }
    scratch.writeBytes(payload)
  }
}
