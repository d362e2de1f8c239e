/// The closed set of message types: PROTOCOL.md, "Types". Applications never invent one.
public enum MessageType: UInt8, Sendable, CaseIterable, WireName {
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

  init?(word: UInt64) {
    switch word {
    case 0x68_656C_6C6F: self = .hello
    case 0x65_7665_6E74: self = .event
    case 0x61_636B: self = .ack
    case 0x706F_6E67: self = .pong
    case 0x6A6F_696E: self = .join
    case 0x6C_6561_7665: self = .leave
    case 0x62_7965: self = .bye
    case 0x77_656C_636F_6D65: self = .welcome
    case 0x6C69_7665: self = .live
    case 0x72_6570_6C79: self = .reply
    case 0x7069_6E67: self = .ping
    case 0x67_6170: self = .gap
    case 0x6D65_6D62_6572: self = .member
    case 0x6472_6169_6E69_6E67: self = .draining
    case 0x73_6573_7369_6F6E: self = .session
    case 0x65_7272_6F72: self = .error
    default: return nil
    }
  }
}

/// What has a name of at most eight bytes of ASCII on the wire, that of its case.
protocol WireName: CaseIterable {
  /// - Parameter word: the name, as `JSONText.word` has it.
  init?(word: UInt64)
}

extension WireName {
  init?(_ text: JSONText, _ bytes: Span<UInt8>) {
    if text.hasEscapes {
      // An escaped spelling is the same text: RFC 8259 section 8.3.
      let name = text.decoded(bytes)
      guard let found = Self.allCases.first(where: { "\($0)" == name }) else { return nil }
      self = found
    } else {
      guard text.range.count <= 8 else { return nil }
      self.init(word: text.word(bytes))
    }
  }
}
