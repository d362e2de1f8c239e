/// Why a connection ends, in a form that any transport can carry; over WebSocket it is the close code.
/// The range tells a client what to do: PROTOCOL.md, "Close codes".
public struct CloseCode: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  private init(_ value: UInt16) { rawValue = value }

  public static let normal = CloseCode(1000)
  public static let restart = CloseCode(1012)
  public static let tryLater = CloseCode(1013)
  public static let serverError = CloseCode(4000)
  public static let outOfStep = CloseCode(4001)
  public static let noPong = CloseCode(4002)
  public static let tooSlow = CloseCode(4003)
  public static let expired = CloseCode(4100)
  public static let stateLost = CloseCode(4101)
  public static let credentialExpired = CloseCode(4200)
  public static let malformed = CloseCode(4500)
  public static let badSequence = CloseCode(4501)
  public static let version = CloseCode(4502)
  public static let unauthenticated = CloseCode(4503)
  public static let replaced = CloseCode(4504)
  public static let takeoverLimit = CloseCode(4505)
  public static let tokenReuse = CloseCode(4506)
  public static let revoked = CloseCode(4507)
  public static let helloTimeout = CloseCode(4508)

  /// What a client does after this code.
  public enum Advice: Sendable, Equatable {
    case resume
    case startAnew
    case renewCredential
    case stop
  }

  /// Whether the session is gone for certain, so that nobody will learn what became of what was sent in it.
  public var saysSessionIsGone: Bool { self == .tokenReuse || self == .revoked }

  public var advice: Advice {
    switch rawValue {
    case 4100...4199: .startAnew
    case 4200...4299: .renewCredential
    case 4500...4599: .stop
    default: .resume
    }
  }
}

/// Whether, and how, the sender of a refused message may try again.
public enum RetryAdvice: String, Sendable {
  case never, same, later, reauth
}

/// The payload of an `error` message. Codes are stable; texts are for people.
public struct ProtocolError: Error, Equatable, Sendable {
  public var code: String
  public var message: String
  public var retry: RetryAdvice
  public var retryAfterMilliseconds: UInt64?
  /// The versions that are spoken here, with `version.unsupported`.
  public var supported: [UInt64] = []
  /// Where a payload is wrong, with `payload.invalid`: a JSON pointer, empty for the payload as a whole.
  public var path: String?

  public init(_ code: String, _ message: String, retry: RetryAdvice = .never, retryAfterMilliseconds: UInt64? = nil) {
    self.code = code
    self.message = message
    self.retry = retry
    self.retryAfterMilliseconds = retryAfterMilliseconds
  }

  public var payload: JSONValue {
    var members: [JSONValue.Member] = [
      .init("code", .string(code)), .init("message", .string(message)), .init("retry", .string(retry.rawValue)),
    ]
    if let retryAfterMilliseconds { members.append(.init("retry_after_ms", .int(retryAfterMilliseconds))) }
    if !supported.isEmpty { members.append(.init("supported", .array(supported.map { .int($0) }))) }
    if let path { members.append(.init("path", .string(path))) }
    return .object(members)
  }

  static func malformed(_ reason: String) -> ProtocolError { ProtocolError("envelope.malformed", reason) }

  static func version(_ version: UInt64, supported: [UInt64]) -> ProtocolError {
    var error = ProtocolError("version.unsupported", "v \(version) is not spoken on this connection")
    error.supported = supported
    return error
  }
}
