import NIOCore
import SessionCore

/// A connection over Server-Sent Events: PROTOCOL.md, "Other transports". What goes down is written to the socket whose
/// request opened the stream; what comes up arrives in requests of its own, on any socket and any event loop.
final class EventStream: BatchConnection {
  private weak var socket: EventSocket?
  private let channel: EventChannel
  private let name: Secret

  init(driver: ShardDriver, socket: EventSocket) {
    self.socket = socket
    (channel, name) = EventChannel.make(shard: driver.index)
    // One request waits for the session at a time; a client that sends another meanwhile does not wait for its answers.
    super.init(driver: driver, transport: .eventStream, maxHeldCount: 1)
  }

  /// The first event, which a client needs before it can say anything.
  var introduction: [UInt8] {
    // A browser comes back by itself after this time: not all of them at one moment.
    var random = SystemRandomNumberGenerator()
    let retry = UInt64.random(in: 500...3_000, using: &random)
    let payload = JSONValue.members(["channel": .string(name.reveal())])
    return Array("retry: \(retry)\nevent: channel\ndata: \(payload.text)\n\n".utf8)
  }

  func begin(remote: String, credential: Secret?, verifiedSubject: String?) {
    driver.channels[channel.digest] = self
    open(remote: remote, credential: credential, verifiedSubject: verifiedSubject)
  }

  /// The socket is gone.
  func broke() { end(code: nil, reason: "the connection broke") }

  private func end(code: UInt16?, reason: String) {
    driver.channels[channel.digest] = nil
    leave(code: code, reason: reason)
  }

  // MARK: The transport

  override func write(_ output: inout OutputBuffer, through scratch: inout ByteBuffer) {
    guard !output.messages.isEmpty else { return }
    scratch.clear(minimumCapacity: output.bytes.count + output.messages.count * 8)
    for message in output.messages {
      EventStream.straighten(&output.bytes, message)
      scratch.writeStaticString("data: ")
      scratch.writeBytes(output.bytes[message])
      scratch.writeStaticString("\n\n")
    }
    socket?.write(scratch)
  }

  /// A line end would end the event's data. In JSON it can stand between tokens only, where a space means the same.
  private static func straighten(_ bytes: inout [UInt8], _ message: Range<Int>) {
    for index in message where bytes[index] == 0x0A || bytes[index] == 0x0D { bytes[index] = 0x20 }
  }

  override func close(_ code: UInt16, _ reason: String) {
    guard let slot else { return }
    driver.drainLast(self, slot)
    // The last write may have found the connection broken.
    guard self.slot != nil else { return }
    let payload = JSONValue.members(["code": .int(code), "reason": .string(reason)])
    socket?.write(ByteBuffer(string: "event: close\ndata: \(payload.text)\n\n"))
    end(code: code, reason: reason)
    socket?.finish()
  }

  /// A comment, which no client sees and none can answer: that the peer's kernel goes on taking bytes is all that there
  /// is to know (see `EventSocket.boundSilence`).
  override func sendPing() {
    socket?.write(ByteBuffer(string: ": ping\n\n")) { [self] in
      guard let slot else { return }
      _ = driver.readClock()
      driver.heard(slot)
    }
  }
}
