/// Encodes what the server and the client send. A message is a head, which differs for each receiver, and a tail,
/// which is shared: `{"v":2,"seq":17,"ack":42,` and `"type":"event",...}`.
package enum MessageWriter {
  /// Fields of a tail, in the order in which they are written.
  package struct Tail {
    var bytes: [UInt8] = []

    /// - Parameter byteCount: about how long it will be: an array that grows is copied each time.
    package init(_ type: MessageType, reserving byteCount: Int = 64) {
      bytes.reserveCapacity(byteCount)
      bytes.append(literal: "\"type\":\"")
      bytes.append(literal: type.name)
      bytes.append(literal: "\"")
    }

    package mutating func add(_ key: StaticString, _ text: String?) {
      guard let text else { return }
      open(key)
      bytes.append(json: text)
    }

    package mutating func add(_ key: StaticString, number: UInt64) {
      open(key)
      bytes.append(decimal: number)
    }

    mutating func add(from sid: SessionID?) {
      guard let sid else { return }
      open("from")
      bytes.append(0x22)
      sid.append(to: &bytes)
      bytes.append(0x22)
    }

    package mutating func add(position: LogPosition) {
      open("pos")
      position.append(to: &bytes)
    }

    /// Members that are JSON already, each with its comma in front.
    package mutating func add(raw members: ArraySlice<UInt8>) { members.withUnsafeBytes { bytes.append(copying: $0) } }

    /// Closes the message with its payload, which is JSON already, and hands it over: nothing is left here.
    package mutating func end(payload: some Collection<UInt8>) -> [UInt8] {
      bytes.append(literal: ",\"payload\":")
      if payload.withContiguousStorageIfAvailable({ bytes.append(copying: UnsafeRawBufferPointer($0)) }) == nil {
        bytes.append(contentsOf: payload)
      }
      bytes.append(0x7D)
      var message: [UInt8] = []
      swap(&message, &bytes)
      return message
    }

    private mutating func open(_ key: StaticString) {
      bytes.append(literal: ",\"")
      bytes.append(literal: key)
      bytes.append(literal: "\":")
    }
  }

  /// The tail of a reply, in one piece: each message with a handler has one.
  /// - Parameter re: the inside of a JSON string.
  static func appendReply(re: [UInt8]?, room: String?, payload: [UInt8], to bytes: inout [UInt8]) {
    payload.withUnsafeBytes { payload in
      let textByteCount = (re.map { $0.count &+ 2 } ?? 0) &+ (room?.jsonByteCount ?? 0)
      bytes.append(addingCapacity: 14 + 6 + 8 + 12 &+ textByteCount &+ payload.count) { (tail: inout OutputSpan<UInt8>) in
        tail.append(literal: "\"type\":\"reply\"")
        if let re {
          tail.append(literal: ",\"re\":\"")
          re.withUnsafeBytes { tail.append(copying: $0) }
          tail.append(0x22)
        }
        if let room {
          tail.append(literal: ",\"room\":")
          tail.append(json: room)
        }
        tail.append(literal: ",\"payload\":")
        tail.append(copying: payload)
        tail.append(0x7D)
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

  /// Bytes of a head, so that a transport can be asked for its own header before the message is written.
  static func headLength(version: UInt64, seq: UInt64?, ack: UInt64?, isHistory: Bool = false) -> Int {
    var length = 6 &+ version.decimalDigitCount &+ (isHistory ? historyMark.utf8CodeUnitCount : 0)
    if let seq { length &+= 7 &+ seq.decimalDigitCount }
    if let ack { length &+= 7 &+ ack.decimalDigitCount }
    return length
  }

  private static let historyMark: StaticString = ",\"history\":true"

  package static func appendHead(
    version: UInt64, seq: UInt64?, ack: UInt64?, isHistory: Bool = false, to bytes: inout [UInt8]
  ) {
    bytes.append(addingCapacity: maxHeadLength) { (head: inout OutputSpan<UInt8>) in
      appendHead(version: version, seq: seq, ack: ack, isHistory: isHistory, to: &head)
    }
  }

  /// With three numbers of 20 digits.
  static let maxHeadLength = 6 + 7 + 7 + 15 + 3 * 20

  @inline(__always) static func appendHead(
    version: UInt64, seq: UInt64?, ack: UInt64?, isHistory: Bool, to head: inout OutputSpan<UInt8>
  ) {
    head.append(literal: "{\"v\":")
    head.append(decimal: version)
    if let seq {
      head.append(literal: ",\"seq\":")
      head.append(decimal: seq)
    }
    if let ack {
      head.append(literal: ",\"ack\":")
      head.append(decimal: ack)
    }
    if isHistory { head.append(literal: historyMark) }
    head.append(literal: ",")
  }
}

/// Where a message stands in its room: `[log, offset]`, the same for every receiver. Offsets of one log have no holes.
public struct LogPosition: Hashable, Sendable {
  /// The log's epoch; a new one means that numbering began anew.
  public var log: UInt64
  public var offset: UInt64

  public init(log: UInt64, offset: UInt64) { (self.log, self.offset) = (log, offset) }

  func append(to bytes: inout [UInt8]) {
    bytes.append(literal: "[\"")
    bytes.append(hex: log)
    bytes.append(literal: "\",")
    bytes.append(decimal: offset)
    bytes.append(literal: "]")
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
    /// `(upTo, byteCount)` in rising order: a message of at most `upTo` bytes gets `byteCount` bytes of room.
    public var steps: [(upTo: Int, byteCount: Int)]

    public init(steps: [(upTo: Int, byteCount: Int)] = []) { self.steps = steps }

    func byteCount(for length: Int) -> Int {
      for step in steps where length <= step.upTo { return step.byteCount }
      return 0
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

  mutating func append(version: UInt64, seq: UInt64?, ack: UInt64?, isHistory: Bool = false, tail: [UInt8]) {
    let length = MessageWriter.headLength(version: version, seq: seq, ack: ack, isHistory: isHistory) &+ tail.count
    let room = headroom.byteCount(for: length)
    let start = bytes.count &+ room
    bytes.append(addingCapacity: room &+ MessageWriter.maxHeadLength &+ tail.count) { (message: inout OutputSpan<UInt8>) in
      message.append(repeating: 0, count: room)
      MessageWriter.appendHead(version: version, seq: seq, ack: ack, isHistory: isHistory, to: &message)
      tail.withUnsafeBytes { message.append(copying: $0) }
    }
    messages.append(start..<bytes.count)
    if keepsTails { tails.append(tail) }
  }
}
