/// The closed set of message types: PROTOCOL.md, "Types". Applications never invent one.
public enum MessageType: UInt8, Sendable, CaseIterable {
  case hello, event, ack, pong, join, leave, bye
  case welcome, live, reply, ping, gap, member, draining, session, error

  public var name: StaticString {
    switch self {
    case .hello: "hello"
    case .event: "event"
    case .ack: "ack"
    case .pong: "pong"
    case .join: "join"
    case .leave: "leave"
    case .bye: "bye"
    case .welcome: "welcome"
    case .live: "live"
    case .reply: "reply"
    case .ping: "ping"
    case .gap: "gap"
    case .member: "member"
    case .draining: "draining"
    case .session: "session"
    case .error: "error"
    }
  }

  /// Whether a client may send it.
  public var isFromClient: Bool { rawValue <= MessageType.bye.rawValue }

  init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    for type in MessageType.allCases {
      let name = type.name
      guard name.utf8CodeUnitCount == range.count else { continue }
      var isEqual = true
      for position in 0..<range.count where bytes[range.lowerBound + position] != name.utf8Start[position] {
        isEqual = false
        break
      }
      if isEqual {
        self = type
        return
      }
    }
    return nil
  }
}
