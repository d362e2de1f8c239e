/// Bounds of what a peer may send.
public struct FrameLimits: Sendable {
  /// The most bytes of one message, fragments together.
  public var messageBytes: Int
  /// The most fragments without payload in one message. Fragments with payload are bounded by `messageBytes`, since
  /// they are collected into one buffer and cost no more than their bytes.
  public var emptyFragmentCount: Int

  public init(messageBytes: Int = 1_048_576, emptyFragmentCount: Int = 64) {
    self.messageBytes = messageBytes
    self.emptyFragmentCount = emptyFragmentCount
  }
}

/// What the parser found next.
public enum FrameEvent: Equatable {
  /// A message that lies whole in the input, unmasked in place, at this range.
  case message(Opcode, Range<Int>)
  /// A message that came in pieces; its bytes are in the parser's `assembled` until the next call.
  case assembledMessage(Opcode)
  /// The same of a message that is compressed: RSV1 of its first frame is set (RFC 7692 section 6). Whether a text is
  /// UTF-8 is to be seen when it is decompressed.
  case compressedMessage(Opcode, Range<Int>)
  case assembledCompressedMessage(Opcode)
  case ping(Range<Int>)
  case pong(Range<Int>)
  /// The payload of a control frame that came in pieces is in `assembledControl` until the next call.
  case assembledPing
  case assembledPong
  /// A well-formed Close frame; no code means that its payload was empty (RFC 6455 section 7.1.5).
  case close(WebSocketCloseCode?)
  /// The connection must be failed with the violation's code; nothing that follows is read.
  case violation(Violation)
  /// All input was taken in.
  case needsMore
}

/// A parser of RFC 6455 frames that takes any segmentation and keeps nothing of the input: a frame that lies whole
/// in the input is unmasked and handed out where it lies, anything else is collected.
///
/// Cost is linear in the bytes received: a header is looked at again only while it is incomplete (at most 14
/// bytes), a payload byte is touched once.
public struct FrameParser: ~Copyable {
  private enum Position {
    case header
    /// Inside the payload of a frame whose header is known; `done` bytes of it have been taken in.
    case payload(FrameHeader, done: Int)
    case failed
  }

  private let role: Role
  private let limits: FrameLimits
  private let allowsCompression: Bool
  private var position = Position.header
  private var headerBytes: [UInt8] = []
  /// The opcode of the fragmented message that is open.
  private var open: Opcode?
  private var isCompressed = false
  private var emptyFragmentCount = 0
  private var validator = UTF8Validator()
  /// What the last event handed out and the next call drops. A control frame may come between the fragments of a
  /// message, whose bytes then stay.
  private var mustClearMessage = false
  private var mustClearControl = false

  /// The bytes of the last `.assembledMessage`.
  public private(set) var assembled: [UInt8] = []
  /// The bytes of the last `.assembledPing` or `.assembledPong`, or of a Close frame.
  public private(set) var assembledControl: [UInt8] = []

  /// - Parameter allowsCompression: whether permessage-deflate was agreed. `limits` then bound what is compressed; what
  ///   it becomes is for the decompressor to bound.
  public init(role: Role, limits: FrameLimits = FrameLimits(), allowsCompression: Bool = false) {
    self.role = role
    self.limits = limits
    self.allowsCompression = allowsCompression
  }

  /// Takes in `input` from `offset` on, as far as the next event, and moves `offset` behind what was taken.
  /// Ranges in events are positions in `input`. Call until it returns `.needsMore`.
  public mutating func next(_ input: UnsafeMutableRawBufferPointer, from offset: inout Int) -> FrameEvent {
    if mustClearMessage || mustClearControl { clear() }
    if let event = takeUsual(input, &offset) { return event }
    while true {
      switch position {
      case .failed:
        offset = input.count
        return .needsMore
      case .header:
        if let event = readHeader(input, &offset) { return event }
      case .payload(let header, let done):
        let event = readPayload(header, done, input, &offset)
        if let event { return event }
      }
    }
  }

  private mutating func clear() {
    if mustClearMessage {
      assembled.removeAll(keepingCapacity: assembled.capacity <= 4_096)
      mustClearMessage = false
    }
    if mustClearControl {
      assembledControl.removeAll(keepingCapacity: true)
      mustClearControl = false
    }
  }

  private mutating func fail(_ violation: Violation) -> FrameEvent {
    position = .failed
    assembled = []
    assembledControl = []
    return .violation(violation)
  }

  /// Whether a fragmented message has begun and not ended.
  public var isMessageOpen: Bool { open != nil }

  /// Whether something has begun of which the rest is to come: a message, or a frame of any kind.
  public var isWithinMessage: Bool {
    switch position {
    case .header: open != nil || !headerBytes.isEmpty
    case .payload: true
    case .failed: false
    }
  }

  // MARK: What most frames are

  /// A data frame of at most 65,535 bytes that lies whole in the input, is all of its message and is not compressed, taken
  /// in one go. Nil, with nothing taken, for any other, and for whatever may be wrong: that is looked at step by step.
  @inline(__always) private mutating func takeUsual(
    _ input: UnsafeMutableRawBufferPointer, _ offset: inout Int
  ) -> FrameEvent? {
    guard case .header = position, open == nil, headerBytes.isEmpty, input.count &- offset >= 8 else { return nil }
    let head = UInt64(littleEndian: input.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    let (first, second) = (UInt8(truncatingIfNeeded: head), UInt8(truncatingIfNeeded: head &>> 8))
    let isText = first == 0x80 | Opcode.text.rawValue
    guard isText || first == 0x80 | Opcode.binary.rawValue, second & 0x80 == (role == .server ? 0x80 : 0) else { return nil }
    var (start, length) = (offset &+ 2, Int(second & 0x7F))
    if length > 125 {
      guard length == 126 else { return nil }
      (start, length) = (offset &+ 4, Int(UInt16(truncatingIfNeeded: head &>> 16).byteSwapped))
      guard length > 125 else { return nil }
    }
    let payload = role == .server ? start &+ 4 : start
    guard length <= limits.messageBytes, length <= input.count &- payload else { return nil }
    let bytes = UnsafeMutableRawBufferPointer(rebasing: input[payload..<payload &+ length])
    var isASCII = false
    if role == .server {
      let mask = UInt32(littleEndian: input.loadUnaligned(fromByteOffset: start, as: UInt32.self))
      isASCII = Masking.apply(mask, phase: 0, to: bytes)
    }
    offset = payload &+ length
    if isText, !isASCII, !UTF8Validator.isValid(UnsafeRawBufferPointer(bytes)) { return fail(.badUTF8) }
    return .message(isText ? .text : .binary, payload..<payload &+ length)
  }

  // MARK: Header

  private mutating func readHeader(_ input: UnsafeMutableRawBufferPointer, _ offset: inout Int) -> FrameEvent? {
    if offset == input.count { return .needsMore }
    if headerBytes.isEmpty {
      let rest = UnsafeRawBufferPointer(rebasing: input[offset...])
      switch FrameHeader.read(rest, role: role, allowsRSV1: allowsCompression) {
      case .header(let header, let byteCount):
        offset += byteCount
        return begin(header, input, &offset)
      case .violation(let violation): return fail(violation)
      case .needsMore:
        headerBytes.append(contentsOf: rest)
        offset = input.count
        return .needsMore
      }
    }
    headerBytes.append(input[offset])
    offset += 1
    switch headerBytes.withUnsafeBytes({ FrameHeader.read($0, role: role, allowsRSV1: allowsCompression) }) {
    case .header(let header, _):
      headerBytes.removeAll(keepingCapacity: true)
      return begin(header, input, &offset)
    case .violation(let violation): return fail(violation)
    case .needsMore: return nil
    }
  }

  /// Decides whether the frame may stand here, then hands it out at once if all of it is there.
  private mutating func begin(
    _ header: FrameHeader, _ input: UnsafeMutableRawBufferPointer, _ offset: inout Int
  ) -> FrameEvent? {
    if !header.opcode.isControl, let violation = admit(header) { return fail(violation) }
    let isWhole = input.count - offset >= header.length
    let standsAlone = header.opcode.isControl || (header.isFinal && open == nil)
    guard isWhole, standsAlone, header.opcode != .close else {
      if !header.opcode.isControl, open == nil { (open, isCompressed) = (header.opcode, header.isCompressed) }
      position = .payload(header, done: 0)
      return nil
    }
    let range = offset..<offset + header.length
    offset = range.upperBound
    unmask(header, phase: 0, input, range)
    switch header.opcode {
    case .ping: return .ping(range)
    case .pong: return .pong(range)
    case _ where header.isCompressed: return .compressedMessage(header.opcode, range)
    case .text where !UTF8Validator.isValid(.init(rebasing: input[range])): return fail(.badUTF8)
    default: return .message(header.opcode, range)
    }
  }

  private mutating func admit(_ header: FrameHeader) -> Violation? {
    if header.opcode == .continuation {
      guard open != nil else { return .orphanContinuation }
      // "MUST NOT set" it but in the first fragment (RFC 7692 section 6.1).
      guard !header.isCompressed else { return .reservedBit }
    } else {
      // "fragments of one message MUST NOT be interleaved between the fragments of another message" (5.4)
      guard open == nil else { return .interruptedMessage }
    }
    // Subtracting cannot overflow, where adding the peer's 64-bit length could.
    guard header.length <= mostBytes(header) - assembled.count else { return .messageTooBig }
    if header.length == 0, !header.isFinal {
      emptyFragmentCount += 1
      guard emptyFragmentCount <= limits.emptyFragmentCount else { return .tooManyFragments }
    }
    return nil
  }

  /// What cannot be compressed grows a little: zlib.h, deflateBound().
  private func mostBytes(_ header: FrameHeader) -> Int {
    let grows = header.isCompressed || open != nil && isCompressed
    return grows ? limits.messageBytes + limits.messageBytes >> 10 + 64 : limits.messageBytes
  }

  // MARK: Payload in pieces

  private mutating func readPayload(
    _ header: FrameHeader, _ done: Int, _ input: UnsafeMutableRawBufferPointer, _ offset: inout Int
  ) -> FrameEvent? {
    let range = offset..<offset + min(header.length - done, input.count - offset)
    offset = range.upperBound
    unmask(header, phase: done, input, range)
    let piece = UnsafeRawBufferPointer(rebasing: input[range])
    if header.opcode.isControl {
      assembledControl.append(contentsOf: piece)
    } else {
      if open == .text, !isCompressed, !validator.consume(piece) { return fail(.badUTF8) }
      assembled.append(contentsOf: piece)
    }
    guard done + range.count == header.length else {
      position = .payload(header, done: done + range.count)
      return .needsMore
    }
    position = .header
    return header.opcode.isControl ? endControl(header.opcode) : header.isFinal ? endMessage() : nil
  }

  private mutating func endMessage() -> FrameEvent {
    let opcode = open ?? .binary
    guard opcode != .text || validator.isComplete else { return fail(.badUTF8) }
    open = nil
    emptyFragmentCount = 0
    validator = UTF8Validator()
    mustClearMessage = true
    return isCompressed ? .assembledCompressedMessage(opcode) : .assembledMessage(opcode)
  }

  private mutating func endControl(_ opcode: Opcode) -> FrameEvent {
    switch opcode {
    case .ping, .pong:
      mustClearControl = true
      return opcode == .ping ? .assembledPing : .assembledPong
    default:
      return endClose()
    }
  }

  /// Section 5.5.1: no payload, or a code and a UTF-8 reason; 7.4: not every code may be sent.
  private mutating func endClose() -> FrameEvent {
    let payload = assembledControl
    if payload.isEmpty {
      position = .failed
      return .close(nil)
    }
    guard payload.count >= 2 else { return fail(.badCloseFrame) }
    let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
    guard code.isLegalOnTheWire else { return fail(.badCloseFrame) }
    let reasonIsText = payload.withUnsafeBytes { UTF8Validator.isValid(.init(rebasing: $0[2...])) }
    guard reasonIsText else { return fail(.badUTF8) }
    position = .failed
    return .close(code)
  }

  private func unmask(
    _ header: FrameHeader, phase: Int, _ input: UnsafeMutableRawBufferPointer, _ range: Range<Int>
  ) {
    guard let mask = header.mask else { return }
    Masking.apply(mask, phase: phase, to: .init(rebasing: input[range]))
  }
}
