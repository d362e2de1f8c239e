import WebSocketFrames

/// A reader of RFC 6455 frames as one would write it first: it has all bytes before it, and copies what it likes.
public struct NaiveFrameReader {
  let role: Role
  let limits: FrameLimits
  let allowsCompression: Bool
  private var bytes: [UInt8]
  private var seen: [Seen] = []
  private var message: (opcode: Opcode, isCompressed: Bool, payload: [UInt8], emptyCount: Int)?

  public init(_ bytes: [UInt8], role: Role, limits: FrameLimits, allowsCompression: Bool) {
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

  /// All that is in the bytes.
  public mutating func read() -> [Seen] {
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
