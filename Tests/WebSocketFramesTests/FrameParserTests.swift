import Testing

import WebSocketFrames

/// One thing that a peer was seen to do, with its bytes.
enum Seen: Equatable {
  case text(String)
  case binary([UInt8])
  case compressed(Opcode, [UInt8])
  case ping([UInt8])
  case pong([UInt8])
  case close(UInt16?)
  case violation(Violation)
}

/// Feeds `bytes` in pieces of `size` and writes down what the parser says.
func parse(
  _ bytes: [UInt8], role: Role = .server, size: Int = .max, limits: FrameLimits = FrameLimits(),
  allowsCompression: Bool = false
) -> [Seen] {
  var parser = FrameParser(role: role, limits: limits, allowsCompression: allowsCompression)
  var seen: [Seen] = []
  var start = 0
  while start < bytes.count {
    let end = size > bytes.count - start ? bytes.count : start + size
    var piece = Array(bytes[start..<end])
    start = end
    piece.withUnsafeMutableBytes { input in
      var offset = 0
      reading: while true {
        switch parser.next(input, from: &offset) {
        case .needsMore: break reading
        case .message(.text, let range): seen.append(.text(String(decoding: input[range], as: UTF8.self)))
        case .message(_, let range): seen.append(.binary(Array(input[range])))
        case .assembledMessage(.text): seen.append(.text(String(decoding: parser.assembled, as: UTF8.self)))
        case .assembledMessage: seen.append(.binary(parser.assembled))
        case .compressedMessage(let opcode, let range): seen.append(.compressed(opcode, Array(input[range])))
        case .assembledCompressedMessage(let opcode): seen.append(.compressed(opcode, parser.assembled))
        case .ping(let range): seen.append(.ping(Array(input[range])))
        case .pong(let range): seen.append(.pong(Array(input[range])))
        case .assembledPing: seen.append(.ping(parser.assembledControl))
        case .assembledPong: seen.append(.pong(parser.assembledControl))
        case .close(let code): seen.append(.close(code?.rawValue))
        case .violation(let violation): seen.append(.violation(violation))
        }
      }
    }
  }
  return seen
}

func client(_ opcode: Opcode, _ payload: [UInt8], first: UInt8? = nil) -> [UInt8] {
  var frame = payload.withUnsafeBytes { FrameWriter.frame(opcode, payload: $0, mask: 0x3D21_FA37) }
  if let first { frame[0] = first }
  return frame
}

@Suite struct FrameParserTests {
  static let conversation: [UInt8] =
    client(.text, Array("Hello".utf8))
    + client(.text, Array("gr\u{fc}".utf8), first: 0x01) + client(.ping, [1, 2, 3])
    + client(.continuation, Array("\u{df}e \u{1F600}".utf8), first: 0x80)
    + client(.binary, [UInt8](repeating: 7, count: 70_000))
    + client(.pong, []) + client(.binary, [UInt8](repeating: 9, count: 300))
    + client(.close, [0x03, 0xE8] + Array("bye".utf8))

  @Test(arguments: [1, 2, 3, 5, 7, 13, 64, 1_000, 65_536, Int.max])
  func everySegmentationReadsTheSame(size: Int) {
    #expect(
      parse(Self.conversation, size: size) == [
        .text("Hello"), .ping([1, 2, 3]), .text("gr\u{fc}\u{df}e \u{1F600}"),
        .binary([UInt8](repeating: 7, count: 70_000)), .pong([]), .binary([UInt8](repeating: 9, count: 300)),
        .close(1000),
      ])
  }

  @Test func theExamplesOfTheRFC() {
    // RFC 6455 section 5.7
    #expect(parse([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], role: .client) == [.text("Hello")])
    #expect(
      parse([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]) == [.text("Hello")])
    #expect(
      parse([0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f], role: .client) == [.text("Hello")])
  }

  @Test(arguments: [
    (client(.text, [], first: 0xC1), Violation.reservedBit), (client(.ping, [], first: 0xD9), .reservedBit),
    (client(.text, [], first: 0x83), .reservedOpcode), (client(.text, [], first: 0x8B), .reservedOpcode),
    ([0x81, 0x01, 0x61], .unmaskedByClient), (client(.ping, [], first: 0x09), .fragmentedControl),
    ([0x89, 0xFE, 0, 126, 0, 0, 0, 0], .longControl), ([0x82, 0xFE, 0, 125, 0, 0, 0, 0], .badLength),
    ([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0], .badLength),
    ([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .badLength),
    ([0x82, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0], .messageTooBig),
    (client(.continuation, []), .orphanContinuation),
    (client(.text, [], first: 0x01) + client(.text, []), .interruptedMessage),
    (client(.close, [3]), .badCloseFrame), (client(.close, [0x03, 0xED]), .badCloseFrame),
    (client(.close, [0x03, 0xE8, 0xFF]), .badUTF8), (client(.text, [0xED, 0xA0, 0x80]), .badUTF8),
    (client(.text, [0xE2, 0x82]), .badUTF8),
  ])
  func whatMayNotStand(bytes: [UInt8], violation: Violation) {
    for size in [1, Int.max] { #expect(parse(bytes, size: size) == [.violation(violation)]) }
  }

  @Test func badTextIsRefusedBeforeItsMessageEnds() {
    let half = client(.text, [0x61, 0xF4, 0x90], first: 0x01)
    #expect(parse(half, size: 1) == [.violation(.badUTF8)])
    // within one frame of which only a part has come
    #expect(parse(Array(client(.text, [0xFF] + [UInt8](repeating: 0x61, count: 99)).prefix(8))) == [.violation(.badUTF8)])
  }

  @Test(arguments: [
    ([0x61, 0xFF], 1), ([0xC0], 0), ([0xC1], 0), ([0xF5], 0), ([0x80], 0), ([0xCE, 0x61], 1), ([0xE0, 0x80], 1),
    ([0xED, 0xA0], 1), ([0xF0, 0x80], 1), ([0xF4, 0x90], 1), ([0xE2, 0x82, 0x41], 2), ([0xF0, 0x9F, 0x98, 0xC3], 3),
  ] as [([UInt8], Int)])
  func badTextFailsAtItsFirstBadByte(bytes: [UInt8], bad: Int) {
    let more = [UInt8](repeating: 0x61, count: 90)
    let headerLength = 6
    // In a frame of which more is to come.
    let frame = client(.text, bytes + more)
    // In a fragment of which more is to come, what precedes it in the one before.
    let first = client(.text, Array(bytes[..<bad]), first: 0x01)
    let fragments = first + client(.continuation, Array(bytes[bad...]) + more, first: 0x00)
    for size in [1, 2, Int.max] {
      #expect(parse(Array(frame.prefix(headerLength + bad)), size: size) == [])
      #expect(parse(Array(frame.prefix(headerLength + bad + 1)), size: size) == [.violation(.badUTF8)])
      let end = first.count + headerLength
      #expect(parse(Array(fragments.prefix(end)), size: size) == [])
      #expect(parse(Array(fragments.prefix(end + 1)), size: size) == [.violation(.badUTF8)])
    }
  }

  @Test func theMessageLimitHoldsExactlyAndOverFragments() {
    let limits = FrameLimits(messageBytes: 10, emptyFragmentCount: 2)
    let ten = [UInt8](repeating: 1, count: 10)
    #expect(parse(client(.binary, ten), limits: limits) == [.binary(ten)])
    #expect(parse(client(.binary, ten + [1]), limits: limits) == [.violation(.messageTooBig)])
    let over = client(.binary, ten, first: 0x02) + client(.continuation, [1])
    #expect(parse(over, limits: limits) == [.violation(.messageTooBig)])
  }

  @Test func emptyFragmentsAreCountedAndTheCountStartsAnew() {
    let limits = FrameLimits(messageBytes: 10, emptyFragmentCount: 2)
    let two = client(.binary, [], first: 0x02) + client(.continuation, [], first: 0x00)
    let end = client(.continuation, [5])
    #expect(parse(two + end + two + end, limits: limits) == [.binary([5]), .binary([5])])
    #expect(parse(two + client(.continuation, [], first: 0x00), limits: limits) == [.violation(.tooManyFragments)])
  }

  @Test func nothingIsReadAfterAViolationOrAClose() {
    let after = client(.text, [0x61])
    #expect(parse(client(.close, []) + after) == [.close(nil)])
    #expect(parse(client(.text, [], first: 0x83) + after, size: 1) == [.violation(.reservedOpcode)])
  }
}
