/// Where the client stands with its server.
package enum LinkState: Equatable, Sendable {
  /// Never connected, or `disconnect` was asked for.
  case offline
  /// A first connection is being made; times are monotonic nanoseconds.
  case connecting(attempt: Int, since: Int64)
  case online
  /// The connection was lost and the session will be resumed.
  case resuming(attempt: Int, since: Int64)
  /// It ended, and nobody tries again.
  case closed(Ending)

  /// How a connection ended.
  package struct Ending: Equatable, Sendable {
    /// The code of the Close frame; nil if there was none.
    package var code: UInt16?
    package var reason: String
    /// What a person can do about it.
    package var next: String?
    /// The exit status where the code does not tell it.
    private let knownStatus: ExitStatus?

    package init(code: UInt16?, reason: String, status: ExitStatus? = nil, next: String? = nil) {
      self.code = code
      self.reason = reason
      self.next = next
      knownStatus = status
    }

    /// What the code means, in one word for the prompt.
    package var word: String {
      switch code {
      case 1000: "normal"
      case 1009: "too_big"
      case 1012: "restart"
      case 1013: "try_later"
      case 4000: "server_error"
      case 4001: "out_of_step"
      case 4002: "no_pong"
      case 4003: "too_slow"
      case 4100: "expired"
      case 4101: "state_lost"
      case 4200: "credential_expired"
      case 4500: "malformed"
      case 4501: "bad_sequence"
      case 4502: "version"
      case 4503: "unauthenticated"
      case 4504: "replaced"
      case 4505: "takeover_limit"
      case 4506: "token_reuse"
      case 4507: "revoked"
      case 4508: "hello_timeout"
      default: reason.isEmpty ? "closed" : String(reason.prefix(24)).replacingSpaces()
      }
    }

    /// The exit status of a client that was ended so.
    package var status: ExitStatus {
      if let knownStatus { return knownStatus }
      return switch code {
      case 4200, 4503, 4506, 4507: .notPermitted
      case 1002, 1003, 1007, 1009, 4500, 4501, 4502, 4508: .protocolError
      case 1012, 1013: .tryAgain
      case 4504, 4505: .failed
      default: .unavailable
      }
    }

    package var text: String {
      guard let code else { return reason.isEmpty ? "without a Close frame" : reason }
      return reason.isEmpty ? "\(code) \(word)" : "\(code) \(word): \(reason)"
    }
  }
}

extension String {
  fileprivate func replacingSpaces() -> String {
    String(map { $0.isWhitespace ? "_" : $0 })
  }
}

/// The prompt shows the state: `[online s_7f3a in=41 out=17]> `, `[resuming 2 1.4s]> `, `[closed 4504 replaced]> `.
package enum Prompt {
  package static func text(_ state: LinkState, _ ledger: SessionLedger, now: Int64, style: Style) -> String {
    switch state {
    case .offline: wrap("offline", .yellow, style)
    case .connecting(let attempt, let since): wrap("connecting \(attempt) \(seconds(now - since))", .yellow, style)
    case .online:
      wrap(
        ["online", ledger.sid.map(short), "in=\(ledger.lastIn) out=\(ledger.lastOut)"].compactMap { $0 }
          .joined(separator: " "), .green, style)
    case .resuming(let attempt, let since): wrap("resuming \(attempt) \(seconds(now - since))", .yellow, style)
    case .closed(let ending):
      wrap("closed " + (ending.code.map { "\($0) " } ?? "") + DisplayWidth.printable(ending.word), .red, style)
    }
  }

  /// `s_7f3a`: the kind and four characters are enough to know it again.
  private static func short(_ sid: String) -> String { DisplayWidth.printable(sid.cut(toByteCount: 6)) }

  /// Tenths of a second.
  private static func seconds(_ nanoseconds: Int64) -> String {
    let tenths = max(0, nanoseconds) / 100_000_000
    return "\(tenths / 10).\(tenths % 10)s"
  }

  /// Readline does not count what stands between \001 and \002.
  private static func wrap(_ text: String, _ colour: Style.Attribute, _ style: Style) -> String {
    guard style.isColoured else { return "[\(text)]> " }
    return "[\u{1}\u{1B}[\(colour.rawValue)m\u{2}\(text)\u{1}\u{1B}[0m\u{2}]> "
  }
}
