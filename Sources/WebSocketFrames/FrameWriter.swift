/// Frame headers of RFC 6455 section 5.2, written in front of a payload that is already in place.
public enum FrameWriter {
  /// Bytes of the unmasked header of a payload of `length` bytes: always the shortest form, as section 5.2 asks.
  @inlinable public static func headerLength(forPayload length: Int) -> Int {
    length < 126 ? 2 : length < 65_536 ? 4 : 10
  }

  /// Writes a final frame's unmasked header to the first `headerLength(forPayload:)` bytes of `target`; RSV1 says that
  /// the payload is compressed (RFC 7692 section 6).
  public static func writeHeader(
    _ opcode: Opcode, payload length: Int, isCompressed: Bool = false, to target: UnsafeMutableRawBufferPointer
  ) {
    target[0] = (isCompressed ? 0xC0 : 0x80) | opcode.rawValue
    switch headerLength(forPayload: length) {
    case 2:
      target[1] = UInt8(length)
    case 4:
      target[1] = 126
      target.storeBytes(of: UInt16(length).bigEndian, toByteOffset: 2, as: UInt16.self)
    default:
      target[1] = 127
      target.storeBytes(of: UInt64(length).bigEndian, toByteOffset: 2, as: UInt64.self)
    }
  }

  /// A whole final frame. A client passes a fresh random `mask` for each frame (section 5.3), a server none.
  public static func frame(_ opcode: Opcode, payload: UnsafeRawBufferPointer, mask: UInt32? = nil) -> [UInt8] {
    var frame: [UInt8] = []
    append(opcode, payload: payload, mask: mask, to: &frame)
    return frame
  }

  /// Appends a whole final frame to `buffer`.
  public static func append(
    _ opcode: Opcode, payload: UnsafeRawBufferPointer, mask: UInt32? = nil, to buffer: inout [UInt8]
  ) {
    let header = headerLength(forPayload: payload.count)
    let start = buffer.count
    buffer.append(contentsOf: repeatElement(0, count: header + (mask == nil ? 0 : 4)))
    buffer.append(contentsOf: payload)
    buffer.withUnsafeMutableBytes { bytes in
      writeHeader(opcode, payload: payload.count, to: .init(rebasing: bytes[start...]))
      guard let mask else { return }
      bytes[start + 1] |= 0x80
      bytes.storeBytes(of: mask.littleEndian, toByteOffset: start + header, as: UInt32.self)
      Masking.apply(mask, phase: 0, to: .init(rebasing: bytes[(start + header + 4)...]))
    }
  }

  /// The payload of a Close frame: a code and a reason of at most 123 bytes, cut at a character (section 5.5.1).
  public static func closePayload(_ code: WebSocketCloseCode, reason: String = "") -> [UInt8] {
    var payload = [UInt8(truncatingIfNeeded: code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)]
    for scalar in reason.unicodeScalars {
      let encoded = Array(String(scalar).utf8)
      if payload.count + encoded.count > 125 { break }
      payload += encoded
    }
    return payload
  }
}
