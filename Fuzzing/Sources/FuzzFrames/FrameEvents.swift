import WebSocketFrames

/// What a frame parser told, with the bytes and without where they lay.
enum Seen: Equatable {
  case message(Opcode, isCompressed: Bool, [UInt8])
  case ping([UInt8])
  case pong([UInt8])
  case close(UInt16?)
  case failed(UInt16)
}

/// Feeds the pieces to a `FrameParser` of ours.
func parseFrames(_ pieces: [[UInt8]], role: Role, limits: FrameLimits, allowsCompression: Bool) -> [Seen] {
  var parser = FrameParser(role: role, limits: limits, allowsCompression: allowsCompression)
  var seen: [Seen] = []
  for var piece in pieces {
    piece.withUnsafeMutableBytes { bytes in
      var offset = 0
      while true {
        switch parser.next(bytes, from: &offset) {
        case .message(let opcode, let range): seen.append(.message(opcode, isCompressed: false, Array(bytes[range])))
        case .assembledMessage(let opcode): seen.append(.message(opcode, isCompressed: false, parser.assembled))
        case .compressedMessage(let opcode, let range):
          seen.append(.message(opcode, isCompressed: true, Array(bytes[range])))
        case .assembledCompressedMessage(let opcode):
          seen.append(.message(opcode, isCompressed: true, parser.assembled))
        case .ping(let range): seen.append(.ping(Array(bytes[range])))
        case .pong(let range): seen.append(.pong(Array(bytes[range])))
        case .assembledPing: seen.append(.ping(parser.assembledControl))
        case .assembledPong: seen.append(.pong(parser.assembledControl))
        case .close(let code): seen.append(.close(code?.rawValue))
        case .violation(let violation): seen.append(.failed(violation.closeCode.rawValue))
        case .needsMore: return
        }
      }
    }
  }
  return seen
}

/// A reader of RFC 6455 frames as one would write it first: it has all bytes before it, and copies what it likes.
struct NaiveFrameReader {
  let role: Role
  let limits: FrameLimits
  let allowsCompression: Bool
  private var bytes: [UInt8]
  private var seen: [Seen] = []
  private var message: (opcode: Opcode, isCompressed: Bool, payload: [UInt8], emptyCount: Int)?

  init(_ bytes: [UInt8], role: Role, limits: FrameLimits, allowsCompression: Bool) {
    (self.bytes, self.role, self.limits, self.allowsCompression) = (bytes, role, limits, allowsCompression)
  }

  private struct Stop: Error {
    /// Nil: the bytes end here.
    var code: UInt16?
  }

  private struct Frame {
    var isFinal: Bool
    var isCompressed: Bool
    var opcode: Opcode
    var length: UInt64
    var key: [UInt8]?
    /// As much of the payload as there is, unmasked.
    var payload: [UInt8] = []
  }

  mutating func read() -> [Seen] {
    do {
      while true { try take(try frame()) }
    } catch {
      if let code = (error as? Stop)?.code { seen.append(.failed(code)) }
    }
    return seen
  }

  private mutating func pop(_ count: Int) throws -> [UInt8] {
    guard bytes.count >= count else { throw Stop() }
    defer { bytes.removeFirst(count) }
    return Array(bytes.prefix(count))
  }

  private mutating func frame() throws -> Frame {
    let head = try pop(2)
    let (first, second) = (head[0], head[1])
    guard first & 0x30 == 0, allowsCompression || first & 0x40 == 0 else { throw Stop(code: 1002) }
    guard let opcode = Opcode(rawValue: first & 15) else { throw Stop(code: 1002) }
    guard (second & 0x80 != 0) == (role == .server) else { throw Stop(code: 1002) }
    var frame = Frame(
      isFinal: first & 0x80 != 0, isCompressed: first & 0x40 != 0, opcode: opcode, length: UInt64(second & 0x7F))
    if opcode.rawValue >= 8, !frame.isFinal || frame.length > 125 || frame.isCompressed { throw Stop(code: 1002) }
    let extended = try pop(frame.length == 126 ? 2 : frame.length == 127 ? 8 : 0)
    if role == .server { frame.key = try pop(4) }
    if !extended.isEmpty {
      frame.length = extended.reduce(0) { $0 << 8 | UInt64($1) }
      guard frame.length >= (extended.count == 2 ? 126 : 65_536), frame.length < 1 << 63 else { throw Stop(code: 1002) }
    }
    return frame
  }

  private mutating func take(_ header: Frame) throws {
    var frame = header
    if frame.opcode.rawValue < 8 { try admit(frame) }
    let count = Int(min(frame.length, UInt64(bytes.count)))
    let isWhole = UInt64(count) == frame.length
    frame.payload = try pop(count)
    if let key = frame.key { frame.payload = frame.payload.enumerated().map { $0.element ^ key[$0.offset % 4] } }
    if frame.opcode.rawValue >= 8 {
      guard isWhole else { throw Stop() }
      return try control(frame)
    }
    try data(frame, isWhole: isWhole)
  }

  private mutating func admit(_ frame: Frame) throws {
    guard (frame.opcode == .continuation) == (message != nil) else { throw Stop(code: 1002) }
    if frame.opcode == .continuation, frame.isCompressed { throw Stop(code: 1002) }
    if message == nil { message = (frame.opcode, frame.isCompressed, [], 0) }
    let isCompressed = message?.isCompressed ?? false
    let most = limits.messageBytes + (isCompressed ? limits.messageBytes / 1_024 + 64 : 0)
    guard frame.length <= UInt64(most), Int(frame.length) + (message?.payload.count ?? 0) <= most else {
      throw Stop(code: 1009)
    }
    if frame.length == 0, !frame.isFinal {
      message?.emptyCount += 1
      if message?.emptyCount ?? 0 > limits.emptyFragmentCount { throw Stop(code: 1009) }
    }
  }

  private mutating func data(_ frame: Frame, isWhole: Bool) throws {
    message?.payload += frame.payload
    guard let message else { return }
    let isEnd = isWhole && frame.isFinal
    if message.opcode == .text, !message.isCompressed {
      guard isEnd ? naiveUTF8(message.payload) == .whole : naiveUTF8(message.payload) != .bad else { throw Stop(code: 1007) }
    }
    guard isWhole else { throw Stop() }
    guard isEnd else { return }
    seen.append(.message(message.opcode, isCompressed: message.isCompressed, message.payload))
    self.message = nil
  }

  private mutating func control(_ frame: Frame) throws {
    switch frame.opcode {
    case .ping: seen.append(.ping(frame.payload))
    case .pong: seen.append(.pong(frame.payload))
    default:
      seen.append(naiveClose(frame.payload))
      throw Stop()
    }
  }
}

/// RFC 6455 sections 5.5.1 and 7.4, written as a list of what is allowed.
func naiveClose(_ payload: [UInt8]) -> Seen {
  if payload.isEmpty { return .close(nil) }
  if payload.count == 1 { return .failed(1002) }
  let code = UInt16(payload[0]) * 256 + UInt16(payload[1])
  let registered: Set<UInt16> = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
  guard registered.contains(code) || (code >= 3000 && code < 5000) else { return .failed(1002) }
  return naiveUTF8(Array(payload[2...])) == .whole ? .close(code) : .failed(1007)
}

enum TextState {
  case whole
  /// Well-formed as far as it goes.
  case open
  case bad
}

/// By decoding numbers, unlike the validator, which goes by ranges of bytes.
func naiveUTF8(_ bytes: [UInt8]) -> TextState {
  var index = 0
  while index < bytes.count {
    let lead = bytes[index]
    let length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0
    guard length > 0 else { return .bad }
    let there = bytes[index..<min(index + length, bytes.count)]
    guard there.dropFirst().allSatisfy({ $0 >> 6 == 2 }) else { return .bad }
    // The lowest and highest numbers that the bytes so far can come to.
    let missing = length - there.count
    let mask: UInt8 = length == 1 ? 0x7F : 0x7F >> UInt8(length)
    let low = there.dropFirst().reduce(UInt32(lead & mask)) { $0 << 6 | UInt32($1 & 63) } << UInt32(6 * missing)
    let high = low + (1 << UInt32(6 * missing)) - 1
    let floor: UInt32 = [0, 0, 0x80, 0x800, 0x10000][length]
    let allowed = (max(low, floor)...max(high, floor, low))
    guard high >= floor, allowed.lowerBound <= 0x10FFFF, !(low >= 0xD800 && high <= 0xDFFF) else { return .bad }
    if missing > 0 { return .open }
    index += length
  }
  return .whole
}
