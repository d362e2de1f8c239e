import WebSocketFrames

/// What a connection of the raw echo has to give back, in the order in which it came.
struct RawEcho {
  /// The least that the endpoint takes as one message: what conformance suites send at most.
  static let messageByteCount = 16 << 20
  /// Above it, nothing is read until the frames are written.
  private static let highWatermark = 65_536

  private var frames: [UInt8]?
  /// Any byte came since the last look.
  var wasHeard = true

  var isEmpty: Bool { frames == nil }
  var isFull: Bool { (frames?.count ?? 0) >= RawEcho.highWatermark }

  /// Lends memory for the frames, which `takeFrames` gives back with them.
  mutating func lend(_ memory: consuming [UInt8]) { frames = memory }

  mutating func append(_ opcode: Opcode, _ message: Span<UInt8>, _ compression: borrowing MessageCompression?) {
    switch compression {
    case .some(let compression):
      var compressed: [UInt8] = []
      message.withUnsafeBytes { compression.compress($0, into: &compressed) }
      append(opcode, compressed.span, isCompressed: true)
    case .none: append(opcode, message, isCompressed: false)
    }
  }

  private mutating func append(_ opcode: Opcode, _ message: Span<UInt8>, isCompressed: Bool) {
    message.withUnsafeBytes { message in
      let header = FrameWriter.headerLength(forPayload: message.count)
      frames?.append(addingCapacity: header &+ message.count) { (target: inout OutputSpan<UInt8>) in
        target.withUnsafeMutableBufferPointer { target, count in
          // Proof that all lies in `target`: it begins where the frames end, and has the capacity that was asked for.
          let bytes = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[count...])
          FrameWriter.writeHeader(opcode, payload: message.count, isCompressed: isCompressed, to: bytes)
          UnsafeMutableRawBufferPointer(rebasing: bytes[header...]).copyMemory(from: message)
          count &+= header &+ message.count
        }
      }
    }
  }

  mutating func takeFrames() -> [UInt8]? { frames.take() }

  /// A loop's memory for what its echoes give back: each writes it before the next one needs it.
  struct Memory {
    /// More is let go of when it was written.
    private static let keptByteCount = 1 << 18
    private var bytes: [UInt8] = []

    mutating func take() -> [UInt8] {
      var taken: [UInt8] = []
      swap(&taken, &bytes)
      return taken
    }

    mutating func keep(_ taken: consuming [UInt8]) {
      guard taken.capacity <= Memory.keptByteCount else { return }
      taken.removeAll(keepingCapacity: true)
      bytes = taken
    }
  }
}
