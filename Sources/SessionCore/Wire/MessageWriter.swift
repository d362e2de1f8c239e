/// Encodes what the server and the client send. A message is a head, which differs for each receiver, and a tail,
/// which is shared: `{"v":2,"seq":17,"ack":42,` and `"type":"event",...}`.
package enum MessageWriter {
  /// Fields of a tail, in the order in which they are written.
  package struct Tail {
    var bytes: [UInt8] = []

    /// - Parameter byteCount: about how long it will be: an array that grows is copied each time.
    package init(_ type: MessageType, reserving byteCount: Int = 64) {
      bytes.reserveCapacity(byteCount)
      append(atMost: 9 + type.name.utf8CodeUnitCount) { tail in
        tail.put("\"type\":\"")
        tail.put(type.name)
        tail.put("\"")
      }
    }

    package mutating func add(_ key: StaticString, _ text: String?) {
      guard let text else { return }
      let valueByteCount = text.jsonByteCount
      bytes.append(addingCapacity: 4 + key.utf8CodeUnitCount + valueByteCount) { (tail: inout OutputSpan<UInt8>) in
        tail.append(atMost: 4 + key.utf8CodeUnitCount) { $0.put(key: key) }
        tail.append(json: text)
      }
    }

    package mutating func add(_ key: StaticString, number: UInt64) {
      append(key, atMost: Decimal.maxDigitCount) { $0.put(Decimal(number)) }
    }

    mutating func add(from sid: SessionID?) {
      guard let sid else { return }
      append("from", atMost: 2 + SessionID.textByteCount) { tail in
        tail.put("\"")
        sid.put(into: &tail)
        tail.put("\"")
      }
    }

    package mutating func add(position: LogPosition) {
      append("pos", atMost: LogPosition.maxByteCount) { position.put(into: &$0) }
    }

    /// Members that are JSON already, each with its comma in front.
    package mutating func add(raw members: ArraySlice<UInt8>) { members.withUnsafeBytes { bytes.append(copying: $0) } }

    /// Closes the message with its payload, which is JSON already, and hands it over: nothing is left here.
    package mutating func end(payload: some Collection<UInt8>) -> [UInt8] {
      append("payload", atMost: 0) { _ in }
      if payload.withContiguousStorageIfAvailable({ bytes.append(copying: UnsafeRawBufferPointer($0)) }) == nil {
        bytes.append(contentsOf: payload)
      }
      bytes.append(0x7D)
      var message: [UInt8] = []
      swap(&message, &bytes)
      return message
    }

    /// A member whose value, put by `putValue`, takes at most `byteCount` bytes.
    @inline(__always) private mutating func append(
      _ key: StaticString, atMost byteCount: Int, _ putValue: (inout ByteCursor) -> Void
    ) {
      append(atMost: 4 + key.utf8CodeUnitCount + byteCount) { tail in
        tail.put(key: key)
        putValue(&tail)
      }
    }

    @inline(__always) private mutating func append(atMost byteCount: Int, _ put: (inout ByteCursor) -> Void) {
      bytes.append(addingCapacity: byteCount) { (tail: inout OutputSpan<UInt8>) in tail.append(atMost: byteCount, put) }
    }
  }

  /// Makes `bytes` the tail of a reply, in one piece: each message with a handler has one.
  static func writeReply(to inbound: Inbound, room: String?, payload: [UInt8], into bytes: inout [UInt8]) {
    let textByteCount = (inbound.hasID ? inbound.idByteCount &+ 8 : 0) &+ (room.map { $0.jsonByteCount &+ 8 } ?? 0)
    bytes.assign(byteCount: 14 + 12 &+ textByteCount &+ payload.count) { (tail: inout OutputSpan<UInt8>) in
      // The head, and what is there of the `id`.
      tail.append(atMost: 14 + 8 &+ (inbound.hasID ? inbound.idByteCount : 0)) { tail in
        guard inbound.hasID else { return tail.put("\"type\":\"reply\"") }
        tail.put("\"type\":\"reply\",\"re\":\"")
        inbound.putID(&tail)
        tail.put("\"")
      }
      if let room {
        tail.append(literal: ",\"room\":")
        tail.append(json: room)
      }
      tail.append(atMost: 12 &+ payload.count) { tail in
        tail.put(",\"payload\":")
        payload.withUnsafeBytes { tail.put(short: $0) }
        tail.put("}")
      }
    }
  }

  package static let emptyPayload = Array("{}".utf8)

  package static func tail(_ type: MessageType, re: String? = nil, payload: some Collection<UInt8>) -> [UInt8] {
    var tail = Tail(type)
    tail.add("re", re)
    return tail.end(payload: payload)
  }

  package static func tail(_ type: MessageType, re: String? = nil, _ payload: JSONValue) -> [UInt8] {
    tail(type, re: re, payload: payload.bytes)
  }

  package static func appendHead(version: UInt64, seq: UInt64?, ack: UInt64?, to bytes: inout [UInt8]) {
    MessageHead(version: version, seq: seq, ack: ack).append(to: &bytes)
  }
}

/// Where a message stands in its room: `[log, offset]`, the same for every receiver. Offsets of one log have no holes.
public struct LogPosition: Hashable, Sendable {
  /// The log's epoch; a new one means that numbering began anew.
  public var log: UInt64
  public var offset: UInt64

  public init(log: UInt64, offset: UInt64) { (self.log, self.offset) = (log, offset) }

  static let maxByteCount = 21 + Decimal.maxDigitCount

  /// Puts it as JSON, at most `maxByteCount` bytes.
  func put(into bytes: inout ByteCursor) {
    bytes.put("[\"")
    bytes.put(hex: log)
    bytes.put("\",")
    bytes.put(Decimal(offset))
    bytes.put("]")
  }

  public var json: JSONValue { .array([.string(hexDigits(log)), .int(offset)]) }

  public init?(_ json: JSONValue?) {
    guard case .array(let values)? = json, values.count == 2, let text = values[0].stringValue,
      let log = parseHexDigits(text), let offset = values[1].unsignedValue
    else { return nil }
    self.init(log: log, offset: offset)
  }
}

/// What a transport sends: whole messages, each with room in front for the transport's own header.
public struct OutputBuffer: Sendable {
  /// How much room a transport wants in front of a message.
  public struct Headroom: Sendable {
    /// A message of at most `upTo` bytes gets `byteCount` bytes of room.
    public typealias Step = (upTo: Int, byteCount: Int)

    private let small: Step
    private let medium: Step
    private let large: Int

    /// - Parameters:
    ///   - medium: for what is not small.
    ///   - large: bytes of room for what is neither.
    public init(small: Step = (0, 0), medium: Step = (0, 0), large: Int = 0) {
      (self.small, self.medium, self.large) = (small, medium, large)
    }

    @inline(__always) func byteCount(for length: Int) -> Int {
      length <= small.upTo ? small.byteCount : length <= medium.upTo ? medium.byteCount : large
    }
  }

  public var headroom: Headroom
  public var bytes: [UInt8] = []
  /// Where each message lies in `bytes`; the room for its header ends where the range begins.
  public var messages: [Range<Int>] = []
  /// So many at the front are not to be compressed: they may hold a secret (`welcome` does), and the length of what is
  /// compressed tells of it.
  public internal(set) var plainCount = 0
  /// Whether `tails` is wanted.
  public var keepsTails = false
  /// The end of each message that is the same for all its receivers, where its bytes are shared too.
  public private(set) var tails: [[UInt8]] = []

  public init(headroom: Headroom = Headroom()) { self.headroom = headroom }

  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    messages.removeAll(keepingCapacity: true)
    if !tails.isEmpty { tails.removeAll(keepingCapacity: true) }
    plainCount = 0
  }

  mutating func append(_ head: MessageHead, tail: [UInt8]) {
    var head = head
    append(&head, tailByteCount: tail.count) { message in tail.withUnsafeBytes { message.put($0) } }
    if keepsTails { tails.append(tail) }
  }

  /// The same with the tail of a message, which is not counted meanwhile.
  /// - Parameter head: stays as it is; it is too large to be copied each time.
  mutating func append(_ head: inout MessageHead, _ message: SharedMessage) {
    append(&head, tailByteCount: message.byteCount) { message.putTail(&$0) }
    if keepsTails { tails.append(message.tail) }
  }

  /// - Parameter putTail: puts `tailByteCount` bytes.
  @inline(__always) private mutating func append(
    _ head: inout MessageHead, tailByteCount: Int, _ putTail: (inout ByteCursor) -> Void
  ) {
    let room = headroom.byteCount(for: head.byteCount &+ tailByteCount)
    let start = bytes.count &+ room
    let maxByteCount = room &+ MessageHead.roomByteCount &+ tailByteCount
    bytes.append(addingCapacity: maxByteCount) { (message: inout OutputSpan<UInt8>) in
      message.append(atMost: maxByteCount) { message in
        message.put(zeros: room)
        head.put(&message)
        putTail(&message)
      }
    }
    messages.append(start..<bytes.count)
  }
}
