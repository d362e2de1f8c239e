import SessionCore

/// The name of the way up to an event stream: whoever has it speaks as the stream's client. A secret therefore, told
/// once, in the stream; it says which event loop to ask, so that no directory is needed, and is kept as a hash only.
struct EventChannel: Sendable, Equatable {
  /// The event loop that the stream is on.
  var shard: Int
  var digest: [UInt8]

  static let fieldName = "Wscore-Channel"
  private static let shardByteCount = 2
  private static let secretByteCount = 32

  /// A new one, and its name.
  static func make(shard: Int) -> (channel: EventChannel, name: Secret) {
    precondition(shard <= UInt16.max, "more event loops than \(shardByteCount) bytes can count")
    var random = SystemRandomNumberGenerator()
    let secret = (0..<secretByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
    let bytes = [UInt8(shard >> 8), UInt8(shard & 0xFF)] + secret
    return (EventChannel(shard: shard, digest: SHA256.digest(bytes)), Secret(Base64URL.encode(bytes)))
  }

  private init(shard: Int, digest: [UInt8]) { (self.shard, self.digest) = (shard, digest) }

  init?(name: String) {
    guard name.utf8.count <= 64, let bytes = Base64URL.decode(name[...]),
      bytes.count == EventChannel.shardByteCount + EventChannel.secretByteCount
    else { return nil }
    self.init(shard: Int(bytes[0]) << 8 | Int(bytes[1]), digest: SHA256.digest(bytes))
  }
}

extension ShardDriver {
  /// Brings messages to the stream of the channel, on whatever loop it is.
  func route(_ batch: Batch, to channel: EventChannel) {
    guard channel.shard < peers.count else { return batch.done(.unknown) }
    guard channel.shard != index else { return take(batch, forChannel: channel.digest) }
    if !peers[channel.shard].post(.batch(batch, channel: channel.digest)) { batch.done(.unknown) }
  }

  func take(_ batch: Batch, forChannel digest: [UInt8]) {
    guard let stream = channels[digest] else { return batch.done(.unknown) }
    stream.take(batch)
  }
}
