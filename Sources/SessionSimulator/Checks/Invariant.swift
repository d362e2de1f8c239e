import SessionCore

/// What must hold, numbered as in docs/SIMULATOR.md.
public enum Invariant: Int, CaseIterable, Sendable {
  case oneOwner = 1
  case noLoss, noDuplicates, order, ackHonesty, ackBounds, membership, indices, expiry, noResurrection
  case takeover, fencing, tokens, boundedMemory, isolation, lifecycle, version, shutdown
  case resumption, quiescence

  public var title: String {
    switch self {
    case .oneOwner: "one owner"
    case .noLoss: "no loss in the window"
    case .noDuplicates: "no duplicates"
    case .order: "order"
    case .ackHonesty: "ack honesty"
    case .ackBounds: "acks are monotone and bounded"
    case .membership: "membership survives drops"
    case .indices: "both indices agree"
    case .expiry: "expiry"
    case .noResurrection: "no resurrection"
    case .takeover: "takeover"
    case .fencing: "fencing"
    case .tokens: "token secrecy and binding"
    case .boundedMemory: "bounded memory"
    case .isolation: "isolation"
    case .lifecycle: "lifecycle"
    case .version: "version"
    case .shutdown: "shutdown"
    case .resumption: "every client resumes"
    case .quiescence: "every queue drains"
    }
  }
}

/// An invariant that does not hold.
public struct Violation: Sendable, CustomStringConvertible {
  public var invariant: Invariant
  public var text: String
  /// Events of the world that had happened.
  public var step: UInt64
  public var microseconds: UInt64

  public var description: String {
    "invariant \(invariant.rawValue) (\(invariant.title)) at step \(step), \(microseconds) us: \(text)"
  }
}
