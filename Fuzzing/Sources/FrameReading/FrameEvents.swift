import WebSocketFrames

/// What a frame parser told, with the bytes and without where they lay.
public enum Seen: Equatable {
  case message(Opcode, isCompressed: Bool, [UInt8])
  case ping([UInt8])
  case pong([UInt8])
  case close(UInt16?)
  case failed(UInt16)
}

/// Feeds the pieces to a `FrameParser` of ours.
public func parseFrames(_ pieces: [[UInt8]], role: Role, limits: FrameLimits, allowsCompression: Bool) -> [Seen] {
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
