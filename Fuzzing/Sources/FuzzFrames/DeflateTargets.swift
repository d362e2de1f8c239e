import FrameReading
import FuzzSupport
import ReferenceZlib
import WebSocketFrames

private enum Inflated: Equatable {
  case message([UInt8])
  case tooBig
  case corrupt
  case badText
}

private func inflate(
  _ compression: borrowing MessageCompression, _ payload: [UInt8], _ opcode: Opcode, limit: Int
) -> Inflated {
  payload.withUnsafeBytes { bytes in
    do throws(Violation) {
      return .message(try compression.decompress(bytes, opcode, limit: limit) { $0.withUnsafeBufferPointer { Array($0) } })
    } catch {
      switch error {
      case .messageTooBig: return .tooBig
      case .badCompression: return .corrupt
      case .badUTF8: return .badText
      default: fail("\(error)")
      }
    }
  }
}

private final class Reference {
  private let inflater: OpaquePointer
  private var room: [UInt8]

  init(windowBits: Int, limit: Int) {
    guard let made = reference_inflater_create(CInt(windowBits)) else { fail("no memory") }
    inflater = made
    room = Array(repeating: 0, count: max(1, limit))
  }

  deinit { reference_inflater_destroy(inflater) }

  func forget() { reference_inflater_forget(inflater) }

  func inflate(_ payload: [UInt8], _ opcode: Opcode, limit: Int) -> Inflated {
    let count = payload.withUnsafeBufferPointer { reference_inflate(inflater, $0.baseAddress, $0.count, &room, limit) }
    if count < 0 { return .corrupt }
    if count > limit { return .tooBig }
    let message = Array(room[..<count])
    return opcode == .text && naiveUTF8(message) != .whole ? .badText : .message(message)
  }
}

/// What both ends agreed, from one byte.
private func agreement(_ flags: UInt8) -> DeflateAgreement {
  let bits = 8 + Int(flags >> 2 & 7)
  return DeflateAgreement(
    serverForgets: flags & 1 != 0, clientForgets: flags & 2 != 0, serverWindowBits: bits, clientWindowBits: 15 - Int(flags >> 5))
}

/// Whatever bytes as compressed messages, one after another: ours against plain zlib, and the bound on what comes out.
///
/// One thing is left open: a peer that refers further back than the window that was agreed may be found out or not.
/// zlib sees it only where the bytes are no longer in the output that it was given, and so cannot be made to see it
/// everywhere.
@Sendable func inflate(_ input: inout Input) {
  let agreed = agreement(input.byte())
  let kind = input.byte()
  let opcode: Opcode = kind & 1 == 0 ? .binary : .text
  let limit = kind & 2 == 0 ? 20_000 : Int(kind)
  let compression = MessageCompression(agreed, role: .server, pool: CompressionPool())
  let strict = Reference(windowBits: agreed.clientWindowBits, limit: limit)
  let lenient = Reference(windowBits: 15, limit: limit)
  while !input.isEmpty {
    let payload = input.take(Int(input.byte()) * 4 + 1)
    if agreed.clientForgets {
      strict.forget()
      lenient.forget()
    }
    let ours = inflate(compression, payload, opcode, limit: limit)
    if case .message(let message) = ours { require(message.count <= limit, "\(message.count) bytes, \(limit) at most") }
    let (least, most) = (strict.inflate(payload, opcode, limit: limit), lenient.inflate(payload, opcode, limit: limit))
    if ours != least { requireEqual(ours, most, "ours, plain zlib") }
    // Any fault ends a connection, and behind a reference that is too far back all depends on what was seen of it.
    guard least == most, case .message = ours else { return }
  }
}

/// What we compress, our other end reads, and plain zlib with the window that was agreed.
@Sendable func deflate(_ input: inout Input) {
  let agreed = agreement(input.byte())
  let kind = input.byte()
  let (from, to): (Role, Role) = kind & 1 == 0 ? (.server, .client) : (.client, .server)
  let settings = CompressionSettings(level: 1 + Int(kind >> 1 & 7), memoryLevel: 1 + Int(kind >> 4 & 7), thresholdByteCount: 0)
  let pool = CompressionPool(settings)
  let sender = MessageCompression(agreed, role: from, pool: pool)
  let receiver = MessageCompression(agreed, role: to, pool: CompressionPool())
  let (forgets, bits) =
    from == .server
    ? (agreed.serverForgets, agreed.serverWindowBits) : (agreed.clientForgets, agreed.clientWindowBits)
  let reference = Reference(windowBits: bits, limit: 70_000)
  while !input.isEmpty {
    let repeats = Int(input.byte())
    let part = input.take(Int(input.byte()))
    var message: [UInt8] = []
    for _ in 0...repeats { message += part }
    let payload = compressed(sender, message, isJoined: kind & 0x80 != 0)
    let limit = message.count
    requireEqual(inflate(receiver, payload, .binary, limit: limit), .message(message), "ours, as sent")
    if forgets { reference.forget() }
    requireEqual(reference.inflate(payload, .binary, limit: limit), .message(message), "plain zlib, as sent")
    if limit > 0, forgets {
      requireEqual(inflate(receiver, payload, .binary, limit: limit - 1), .tooBig, "a bound one byte lower")
    }
  }
}

/// As one, or a stored head in front of a compressed rest, as messages of a room are sent.
private func compressed(_ sender: borrowing MessageCompression, _ message: [UInt8], isJoined: Bool) -> [UInt8] {
  var payload: [UInt8] = []
  message.withUnsafeBytes { bytes in
    guard isJoined, sender.joinsParts, bytes.count > 3 else { return sender.compress(bytes, into: &payload) }
    MessageCompression.appendStored(.init(rebasing: bytes[..<3]), to: &payload)
    sender.compress(.init(rebasing: bytes[3...]), into: &payload)
  }
  return payload
}
