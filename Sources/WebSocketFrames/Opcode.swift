/// What a frame carries: RFC 6455 section 5.2.
public enum Opcode: UInt8, Sendable {
  case continuation = 0x0
  case text = 0x1
  case binary = 0x2
  case close = 0x8
  case ping = 0x9
  case pong = 0xA

  /// Control frames have the high bit of the opcode set: RFC 6455 section 5.5.
  @inlinable public var isControl: Bool { rawValue & 0x8 != 0 }
}

/// Which end of the connection we are; it decides who masks (RFC 6455 section 5.1).
public enum Role: Sendable {
  case server
  case client
}

/// A status code of a Close frame: RFC 6455 section 7.4.
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt16

  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let normal = WebSocketCloseCode(rawValue: 1000)
  public static let goingAway = WebSocketCloseCode(rawValue: 1001)
  public static let protocolError = WebSocketCloseCode(rawValue: 1002)
  public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
  public static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
  public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
  public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
  public static let serviceRestart = WebSocketCloseCode(rawValue: 1012)

  /// Whether a peer may send this code: 1004, 1005, 1006 and 1015 are reserved and never go over the wire
  /// (section 7.4.1); 1016 to 2999 belong to the protocol and are unassigned; 3000 to 4999 are free (7.4.2).
  public var isLegalOnTheWire: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
