import NIOCore
import SessionCore
import WebSocketFrames

/// Control frames of one connection: how many come, and what is to go out.
struct ControlFrames {
  /// Answers to pings that wait at most; older ones are dropped (RFC 6455 section 5.5.3).
  private static let maxPongCount = 16

  /// A ping of ours is to go out.
  var mustPing = false
  /// Payloads of the peer's latest pings, the oldest first.
  private var pongs: [[UInt8]] = []
  private var pace = PaceMeter()

  /// False if too many come.
  mutating func mayComeIn(_ traffic: TrafficLimits, _ now: Instant) -> Bool {
    traffic.controlFrames.map { pace.charge(1, $0, now) == 0 } ?? true
  }

  /// Notes the answer to a ping. True if no other one waits.
  mutating func answer(_ payload: [UInt8]) -> Bool {
    let isFirst = pongs.isEmpty
    if pongs.count == ControlFrames.maxPongCount { pongs.removeFirst() }
    pongs.append(payload)
    return isFirst
  }

  var isEmpty: Bool { !mustPing && pongs.isEmpty }

  /// The most that `take` would write now: a ping, and pongs with the most that a control frame carries.
  var maxByteCount: Int { 2 + pongs.count * 127 }

  mutating func take(into buffer: inout ByteBuffer) {
    for pong in pongs {
      pong.withUnsafeBytes { payload in _ = buffer.writeBytes(FrameWriter.frame(.pong, payload: payload)) }
    }
    pongs.removeAll(keepingCapacity: true)
    guard mustPing else { return }
    mustPing = false
    buffer.writeBytes(FrameWriter.frame(.ping, payload: UnsafeRawBufferPointer(start: nil, count: 0)))
  }
}
