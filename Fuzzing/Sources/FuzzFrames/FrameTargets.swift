import FrameReading
import FuzzSupport
import WebSocketFrames

/// Raw bytes as a stream of frames: ours, whole and in pieces, against the naive reader.
@Sendable func frames(_ input: inout Input) {
  let flags = input.byte()
  let pieces = input.pieces()
  let data = input.remainder()
  let role: Role = flags & 1 == 0 ? .server : .client
  let limits = flags & 2 == 0 ? FrameLimits() : FrameLimits(messageBytes: 40, emptyFragmentCount: 2)
  let allowsCompression = flags & 4 != 0
  var naive = NaiveFrameReader(data, role: role, limits: limits, allowsCompression: allowsCompression)
  let expected = naive.read()
  for cut in [[data], pieces.cut(data)] {
    let seen = parseFrames(cut, role: role, limits: limits, allowsCompression: allowsCompression)
    requireEqual(seen, expected, "frames in \(cut.count) pieces: ours, naive")
  }
}

/// Messages that are well-formed as frames, in fragments with control frames between them, and whatever bytes as text.
@Sendable func messages(_ input: inout Input) {
  let flags = input.byte()
  let role: Role = flags & 1 == 0 ? .server : .client
  let pieces = input.pieces()
  var wire: [UInt8] = []
  var expected: [Seen] = []
  while !input.isEmpty, expected.count < 8 {
    let shape = input.byte()
    let fragments = Pieces(lengths: [Int(input.byte() & 63)]).cut(input.take(Int(input.byte())))
    let opcode: Opcode = shape & 1 == 0 ? .text : .binary
    let parts: [[UInt8]] = fragments.isEmpty ? [[]] : fragments
    for (position, fragment) in parts.enumerated() {
      let isLast = position >= fragments.count - 1
      append(position == 0 ? opcode : .continuation, fragment, isFinal: isLast, role, to: &wire)
      if shape & 2 != 0, !isLast {
        append(.ping, [UInt8(position & 255)], isFinal: true, role, to: &wire)
        expected.append(.ping([UInt8(position & 255)]))
      }
      let soFar = fragments.prefix(position + 1).flatMap { $0 }
      let state: TextState = opcode == .text ? naiveUTF8(soFar) : .whole
      if isLast ? state != .whole : state == .bad {
        // The ping behind a bad fragment is never read.
        if shape & 2 != 0, !isLast { expected.removeLast() }
        expected.append(.failed(1007))
        return requireMessages(wire, pieces, role, expected)
      }
    }
    expected.append(.message(opcode, isCompressed: false, fragments.flatMap { $0 }))
  }
  requireMessages(wire, pieces, role, expected)
}

private func requireMessages(_ wire: [UInt8], _ pieces: Pieces, _ role: Role, _ expected: [Seen]) {
  for cut in [[wire], pieces.cut(wire)] {
    let seen = parseFrames(cut, role: role, limits: FrameLimits(emptyFragmentCount: 256), allowsCompression: false)
    requireEqual(seen, expected, "messages in \(cut.count) pieces: ours, expected")
  }
}

/// By our own writer, whose FIN is taken back where the message goes on.
private func append(_ opcode: Opcode, _ payload: [UInt8], isFinal: Bool, _ role: Role, to wire: inout [UInt8]) {
  let start = wire.count
  let mask: UInt32? = role == .server ? 0xA1B2_C3D4 ^ UInt32(truncatingIfNeeded: wire.count &* 2_654_435_761) : nil
  payload.withUnsafeBytes { FrameWriter.append(opcode, payload: $0, mask: mask, to: &wire) }
  if !isFinal { wire[start] &= 0x7F }
}

/// The payload of a Close frame; and what our own writer makes of a reason.
@Sendable func close(_ input: inout Input) {
  let flags = input.byte()
  let role: Role = flags & 1 == 0 ? .server : .client
  let data = input.remainder()
  let payload = Array(data.prefix(125))
  var wire: [UInt8] = []
  append(.close, payload, isFinal: true, role, to: &wire)
  // Nothing behind a Close frame is read.
  append(.ping, [], isFinal: true, role, to: &wire)
  for cut in [[wire], wire.map { [$0] }] {
    let seen = parseFrames(cut, role: role, limits: FrameLimits(), allowsCompression: false)
    requireEqual(seen, [naiveClose(payload)], "close")
  }
  guard data.count >= 2 else { return }
  let code = 3000 + UInt16(data[0]) % 2_000
  let reason = String(decoding: data.dropFirst(), as: UTF8.self)
  let written = FrameWriter.closePayload(WebSocketCloseCode(rawValue: code), reason: reason)
  require(written.count <= 125, "a close payload of \(written.count) bytes")
  requireEqual(naiveClose(written), .close(code), "our own close payload")
  require(reason.utf8.starts(with: written.dropFirst(2)), "the reason is not the beginning of what was given")
}

/// The validator against the naive one, the standard library's, and itself in pieces.
@Sendable func utf8(_ input: inout Input) {
  let pieces = input.pieces()
  let data = input.remainder()
  let isValid = data.withUnsafeBytes { UTF8Validator.isValid($0) }
  requireEqual(isValid, naiveUTF8(data) == .whole, "ours, naive")
  requireEqual(isValid, String(validating: data, as: UTF8.self) != nil, "ours, the standard library's")
  var validator = UTF8Validator()
  var soFar: [UInt8] = []
  for piece in pieces.cut(data) {
    soFar += piece
    let goesOn = piece.withUnsafeBytes { validator.consume($0) }
    requireEqual(goesOn, naiveUTF8(soFar) != .bad, "a prefix of \(soFar.count) bytes")
    guard goesOn else { return }
    requireEqual(validator.isComplete, naiveUTF8(soFar) == .whole, "whether a prefix of \(soFar.count) bytes is whole")
  }
}
