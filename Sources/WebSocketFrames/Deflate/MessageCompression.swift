/// How hard to compress, and what.
public struct CompressionSettings: Sendable, Equatable {
  /// 1, fast, to 9, small.
  public var level: Int
  /// zlib's memory level, 1 to 9: a compressor takes 2^(windowBits + 2) + 2^(memoryLevel + 9) bytes (zconf.h).
  public var memoryLevel: Int
  /// Shorter messages go as they are: they would hardly become shorter.
  public var thresholdByteCount: Int

  public init(level: Int = 1, memoryLevel: Int = 8, thresholdByteCount: Int = 256) {
    precondition(1...9 ~= level && 1...9 ~= memoryLevel && thresholdByteCount >= 0, "see the bounds of each")
    (self.level, self.memoryLevel, self.thresholdByteCount) = (level, memoryLevel, thresholdByteCount)
  }
}

/// The compressors of one event loop, for all connections that carry no context from message to message: one for each
/// size of window, made when it is first needed.
public final class CompressionPool {
  let settings: CompressionSettings
  private var deflaters: [DeflaterBox?] = Array(repeating: nil, count: 16)
  private let inflater = InflaterBox(windowBits: 15)

  /// What a message becomes: used again for each.
  fileprivate var scratch: [UInt8] = []

  public init(_ settings: CompressionSettings = CompressionSettings()) { self.settings = settings }

  fileprivate func deflater(windowBits: Int) -> DeflaterBox {
    if let present = deflaters[windowBits] { return present }
    let made = DeflaterBox(windowBits: windowBits, settings)
    deflaters[windowBits] = made
    return made
  }

  /// Lets go of the compressors that no connection has, and of the memory for messages; both are made again when they are
  /// needed.
  public func dropSpares() {
    deflaters = Array(repeating: nil, count: deflaters.count)
    scratch = []
  }

  /// A window of 15 bits reads what was written with any smaller one.
  fileprivate var sharedInflater: InflaterBox { inflater }
}

fileprivate final class DeflaterBox {
  let deflater: Deflater

  init(windowBits: Int, _ settings: CompressionSettings) {
    deflater = Deflater(windowBits: windowBits, level: settings.level, memoryLevel: settings.memoryLevel)
  }
}

fileprivate final class InflaterBox {
  let inflater: Inflater

  init(windowBits: Int) { inflater = Inflater(windowBits: windowBits) }
}

/// permessage-deflate on one connection (RFC 7692). Not for use from two threads, like the pool that it borrows from.
public struct MessageCompression: ~Copyable {
  public let agreement: DeflateAgreement
  private let pool: CompressionPool
  private let role: Role
  /// Of this connection alone where it carries context, else the pool's.
  private let deflater: DeflaterBox
  private let inflater: InflaterBox

  /// - Parameter pool: of the loop that the connection is on.
  public init(_ agreement: DeflateAgreement, role: Role, pool: CompressionPool) {
    let (outgoing, incoming) = (agreement.outgoing(role), agreement.incoming(role))
    (self.agreement, self.role, self.pool) = (agreement, role, pool)
    deflater = outgoing.forgets
      ? pool.deflater(windowBits: outgoing.windowBits) : DeflaterBox(windowBits: outgoing.windowBits, pool.settings)
    inflater = incoming.forgets ? pool.sharedInflater : InflaterBox(windowBits: incoming.windowBits)
  }

  /// The bytes that zlib keeps for this connection: none where neither end carries context (zconf.h: a compressor takes
  /// 2^(windowBits+2) + 2^(memoryLevel+9), a decompressor 2^windowBits and about 7 KiB).
  public var contextByteCount: Int {
    let (outgoing, incoming) = (agreement.outgoing(role), agreement.incoming(role))
    let compressor = 1 << (max(9, outgoing.windowBits) + 2) + 1 << (pool.settings.memoryLevel + 9)
    return (outgoing.forgets ? 0 : compressor) + (incoming.forgets ? 0 : 1 << incoming.windowBits + 7_168)
  }

  /// Whether a message of so many bytes is worth it.
  public func isWorthwhile(_ byteCount: Int) -> Bool { byteCount >= pool.settings.thresholdByteCount }

  /// Whether what is compressed may be joined out of parts that were compressed apart: no message refers to another.
  public var joinsParts: Bool { agreement.outgoing(role).forgets }

  /// The base-2 logarithm of the window that messages are compressed with.
  public var windowBits: Int { agreement.outgoing(role).windowBits }

  /// Appends bytes as they are, in the form of a compressed part: a block without compression (RFC 1951 section 3.2.4),
  /// which begins and ends at whole bytes. A part that `compress` made may follow.
  /// - Parameter bytes: at most 65,535.
  public static func appendStored(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    let length = UInt16(bytes.count)
    output.append(0)
    withUnsafeBytes(of: length.littleEndian) { output.append(contentsOf: $0) }
    withUnsafeBytes(of: (~length).littleEndian) { output.append(contentsOf: $0) }
    output.append(contentsOf: bytes)
  }

  /// Appends the compressed payload of a message to `output`. It goes in frames of which the first has RSV1 set.
  public func compress(_ payload: UnsafeRawBufferPointer, into output: inout [UInt8]) {
    if agreement.outgoing(role).forgets { deflater.deflater.forget() }
    deflater.deflater.compress(payload, into: &output)
  }

  /// Hands `body` the message that a compressed payload holds; the bytes are lent for the time of the call.
  /// - Throws: `Violation.messageTooBig` if it is longer than `limit`, `.badCompression` if it is none, `.badUTF8` if it
  ///   is a text that is not UTF-8.
  public func decompress<Result>(
    _ payload: UnsafeRawBufferPointer, _ opcode: Opcode, limit: Int, _ body: (Span<UInt8>) -> Result
  ) throws(Violation) -> Result {
    // Taken out, so that a call from inside `body` for another connection has room of its own.
    var message = pool.scratch
    pool.scratch = []
    defer {
      message.removeAll(keepingCapacity: message.capacity <= 1 << 18)
      pool.scratch = message
    }
    if agreement.incoming(role).forgets { inflater.inflater.forget() }
    switch inflater.inflater.decompress(payload, limit: limit, into: &message) {
    case .tooBig: throw .messageTooBig
    case .corrupt: throw .badCompression
    case .done: break
    }
    guard opcode != .text || message.withUnsafeBytes({ UTF8Validator.isValid($0) }) else { throw .badUTF8 }
    return body(message.span)
  }
}
