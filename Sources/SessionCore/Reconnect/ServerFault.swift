/// How a server broke the protocol, or failed to keep to its times.
public enum ServerFault: Error, Sendable, Equatable, CustomStringConvertible {
  case malformed(String)
  /// A binary message.
  case binary
  /// `v` is not the version agreed.
  case version(UInt64)
  /// A type that has no place here.
  case unexpected(MessageType)
  case missingSequence(MessageType)
  /// Numbers were left out that no gap named.
  case hole(expected: UInt64, got: UInt64)
  /// `ack` names a message that was never sent.
  case ackBeyondSent(UInt64)
  case badWelcome(String)
  case badGap
  /// No `welcome` in time.
  case welcomeTimeout
  /// Nothing came for longer than the server promised.
  case silent

  /// Whether a new connection may do better; the others would come again.
  public var isTransient: Bool {
    switch self {
    case .hole, .welcomeTimeout, .silent: true
    default: false
    }
  }

  /// What the connection is closed with: PROTOCOL.md, "Close codes".
  public var closeCode: CloseCode {
    switch self {
    case .hole: .outOfStep
    case .silent: .noPong
    case .welcomeTimeout: .helloTimeout
    case .ackBeyondSent: .badSequence
    case .version: .version
    default: .malformed
    }
  }

  public var description: String {
    switch self {
    case .malformed(let text): "the server sent a malformed message: \(text)"
    case .binary: "the server sent a binary message"
    case .version(let version): "the server sent a message of version \(version), which was not agreed"
    case .unexpected(let type): "the server sent \(type.name) where it has no place"
    case .missingSequence(let type): "the server sent \(type.name) without seq"
    case .hole(let expected, let got): "the server sent \(got) where \(expected) was due"
    case .ackBeyondSent(let ack): "the server acknowledged \(ack), which was never sent"
    case .badWelcome(let text): "the server's welcome cannot be used: \(text)"
    case .badGap: "the server sent a malformed gap"
    case .welcomeTimeout: "the server did not answer hello in time"
    case .silent: "the server is silent"
    }
  }
}
