import NIOCore
import SessionCore

/// What a driver drains into and a transport writes from: one after the other uses it again.
struct WriteMemory {
  /// What a frame's header takes in front of a message of so many bytes.
  private static let headroom = OutputBuffer.Headroom(small: (125, 2), medium: (65_535, 4), large: 10)
  /// Memory for frames is let go of when one write has made it larger.
  private static let maxKeptByteCount = 1 << 18

  var output = OutputBuffer(headroom: WriteMemory.headroom)
  /// For a transport that cannot send `output` as it stands.
  private var scratch = ByteBuffer()

  /// Writes what `output` holds, which is empty afterwards.
  mutating func write(to connection: TransportConnection) {
    connection.write(&output, through: &scratch)
    output.removeAll()
    if scratch.capacity > WriteMemory.maxKeptByteCount { scratch = ByteBuffer() }
  }
}
