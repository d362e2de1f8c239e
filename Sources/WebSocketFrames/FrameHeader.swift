/// A frame's header: RFC 6455 section 5.2. At most 14 bytes on the wire.
struct FrameHeader {
  var isFinal: Bool
  /// RSV1: an extension's bit, legal only where one that uses it was agreed.
  var isCompressed: Bool
  var opcode: Opcode
  var mask: UInt32?
  var length: Int

  enum Reading {
    case header(FrameHeader, byteCount: Int)
    case needsMore
    case violation(Violation)
  }

  /// Reads a header from the front of `bytes`, which may hold too little of it.
  static func read(_ bytes: UnsafeRawBufferPointer, role: Role, allowsRSV1: Bool) -> Reading {
    guard bytes.count >= 2 else { return .needsMore }
    // "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values" (5.2)
    guard bytes[0] & (allowsRSV1 ? 0x30 : 0x70) == 0 else { return .violation(.reservedBit) }
    // "If an unknown opcode is received, the receiving endpoint MUST Fail the WebSocket Connection" (5.2)
    guard let opcode = Opcode(rawValue: bytes[0] & 0x0F) else { return .violation(.reservedOpcode) }
    let isFinal = bytes[0] & 0x80 != 0
    let isMasked = bytes[1] & 0x80 != 0
    // A server closes on an unmasked frame, a client on a masked one (5.1).
    guard isMasked == (role == .server) else { return .violation(isMasked ? .maskedByServer : .unmaskedByClient) }
    let short = Int(bytes[1] & 0x7F)
    if opcode.isControl {
      // "MUST have a payload length of 125 bytes or less and MUST NOT be fragmented" (5.5)
      guard isFinal else { return .violation(.fragmentedControl) }
      guard short <= 125 else { return .violation(.longControl) }
      guard bytes[0] & 0x40 == 0 else { return .violation(.reservedBit) }
    }
    let lengthBytes = short < 126 ? 0 : short == 126 ? 2 : 8
    let total = 2 + lengthBytes + (isMasked ? 4 : 0)
    guard bytes.count >= total else { return .needsMore }
    guard let length = length(short, bytes) else { return .violation(.badLength) }
    let mask = isMasked ? UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 + lengthBytes, as: UInt32.self)) : nil
    let header = FrameHeader(
      isFinal: isFinal, isCompressed: bytes[0] & 0x40 != 0, opcode: opcode, mask: mask, length: length)
    return .header(header, byteCount: total)
  }

  /// "the minimal number of bytes MUST be used to encode the length" and "the most significant bit MUST be 0" (5.2).
  private static func length(_ short: Int, _ bytes: UnsafeRawBufferPointer) -> Int? {
    switch short {
    case 126:
      let value = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
      return value < 126 ? nil : value
    case 127:
      let value = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
      return value < 65_536 ? nil : Int(exactly: value)
    default:
      return short
    }
  }
}

/// How a peer broke RFC 6455; each case has its close code and a reason to send with it.
public enum Violation: Error, Sendable, Equatable {
  case reservedBit
  case reservedOpcode
  case maskedByServer
  case unmaskedByClient
  case fragmentedControl
  case longControl
  case badLength
  case orphanContinuation
  case interruptedMessage
  case badCloseFrame
  case badUTF8
  case badCompression
  case messageTooBig
  case tooManyFragments

  public var closeCode: WebSocketCloseCode {
    switch self {
    case .badUTF8, .badCompression: .invalidPayload
    case .messageTooBig, .tooManyFragments: .messageTooBig
    default: .protocolError
    }
  }

  public var reason: String {
    switch self {
    case .reservedBit: "a reserved bit is set"
    case .reservedOpcode: "reserved opcode"
    case .maskedByServer: "a server's frame is masked"
    case .unmaskedByClient: "a client's frame is not masked"
    case .fragmentedControl: "fragmented control frame"
    case .longControl: "control frame of more than 125 bytes"
    case .badLength: "length not in its shortest form"
    case .orphanContinuation: "continuation without a beginning"
    case .interruptedMessage: "new message inside a fragmented one"
    case .badCloseFrame: "malformed close frame"
    case .badUTF8: "text is not UTF-8"
    case .badCompression: "a compressed message cannot be read"
    case .messageTooBig: "message too big"
    case .tooManyFragments: "too many empty fragments"
    }
  }
}
