import FrameReading
import FuzzSupport
import NIOCore
import NIOEmbedded
import NIOWebSocket
import WebSocketFrames

let targets: [String: Target] = ["nio": nio]

/// The most bytes of a frame and of a message here.
private let byteLimit = 4_096

/// A stream of frames: ours against NIOWebSocket's decoder.
///
/// NIO looks at lengths and control frames only. So what we refuse it may go on with, but up to there both must have
/// found the same; and what we take, it takes.
@Sendable func nio(_ input: inout Input) {
  let flags = input.byte()
  let pieces = input.pieces()
  let data = input.remainder()
  let limits = FrameLimits(messageBytes: byteLimit, emptyFragmentCount: 1_000_000)
  let role: Role = flags & 1 == 0 ? .server : .client
  var ours = parseFrames(pieces.cut(data), role: role, limits: limits, allowsCompression: false)
  let theirs = decode(data)
  if case .failed = ours.last {
    ours.removeLast()
    return requireEqual(Array(theirs.seen.prefix(ours.count)), ours, "up to where we refuse: NIO, ours")
  }
  requireEqual(theirs.seen, ours, "NIO, ours")
  guard theirs.hasFailed else { return }
  // NIO judges a length before the mask has come, we judge whole headers.
  ours = parseFrames([data + [0, 0, 0, 0]], role: role, limits: limits, allowsCompression: false)
  if case .failed = ours.last { return }
  fail("only NIO refuses")
}

private func decode(_ data: [UInt8]) -> (seen: [Seen], hasFailed: Bool) {
  let channel = EmbeddedChannel(handler: ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: byteLimit)))
  var reader = FrameCollector()
  var hasFailed = false
  do { try channel.writeInbound(ByteBuffer(bytes: data)) } catch { hasFailed = true }
  while let frame = try? channel.readInbound(as: WebSocketFrame.self), !reader.isClosed { reader.take(frame) }
  // What is left in the decoder is of no interest.
  _ = try? channel.finish(acceptAlreadyClosed: true)
  return (reader.seen, hasFailed && !reader.isClosed)
}

/// Messages out of NIO's frames.
private struct FrameCollector {
  var seen: [Seen] = []
  var isClosed = false
  private var message: (opcode: Opcode, payload: [UInt8])?

  mutating func take(_ frame: WebSocketFrame) {
    let payload = Array(frame.unmaskedData.readableBytesView)
    switch frame.opcode {
    case .ping: seen.append(.ping(payload))
    case .pong: seen.append(.pong(payload))
    case .connectionClose:
      seen.append(naiveClose(payload))
      isClosed = true
    case .continuation: message?.payload += payload
    case .text: message = (.text, payload)
    case .binary: message = (.binary, payload)
    default: break
    }
    let isControl = [.ping, .pong, .connectionClose].contains(frame.opcode)
    if frame.fin, !isControl, let whole = message {
      seen.append(.message(whole.opcode, isCompressed: false, whole.payload))
      message = nil
    }
  }
}
