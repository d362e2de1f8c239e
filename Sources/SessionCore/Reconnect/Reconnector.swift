/// Why a client does not try again by itself.
public enum StopReason: Sendable, Equatable {
  /// The application said so.
  case asked
  /// A close code of the range that ends it.
  case closed(CloseCode)
  /// A new credential is needed: close codes 42xx, or HTTP status 401.
  case credential
  /// An HTTP status that will not change by itself.
  case refused(status: Int)
  /// What answers is no WebSocket server.
  case notWebSocket(String)
  /// TLS with the server cannot be trusted, or cannot be had; the text says why.
  case insecure(String)
  case serverFault(ServerFault)
  /// The connection ended, and connecting again is switched off.
  case notAutomatic
}

/// What a client does when a connection ended or did not come about: PROTOCOL.md, "Close codes" and "Reconnecting".
public struct Reconnector: Sendable {
  public enum State: Sendable, Equatable {
    case offline
    case connecting
    /// Connects again at this time.
    case waiting(until: Instant)
    /// Welcomed.
    case online
    case stopped(StopReason)
  }

  /// How an attempt or a connection ended.
  public enum Ending: Sendable, Equatable {
    /// No transport came about: name unknown, refused, timed out.
    case connectFailed(String)
    /// The upgrade was answered with another status than 101.
    case refused(status: Int, retryAfterSeconds: Int?)
    case notWebSocket(String)
    /// No TLS that can be trusted came about.
    case insecure(String)
    /// The peer's Close frame.
    case closed(CloseCode, reason: String)
    /// Gone without a Close frame.
    case lost(String)
    /// Closed by ourselves, with the wish to come back.
    case left
    case faulted(ServerFault)
  }

  public enum Next: Sendable, Equatable {
    /// Connect at this time, with the session if there is one.
    case connect(at: Instant)
    /// Forget the session and connect at this time.
    case connectAnew(at: Instant)
    case renewCredential
    case stop(StopReason)
  }

  /// What time has brought.
  public enum Due: Sendable, Equatable {
    case nothing
    /// The wait is over; the state is `connecting`.
    case connect
    /// The server asked for a new connection and it is this client's turn: make one, and keep the present one until
    /// the new one is welcomed.
    case moveOver
  }

  public private(set) var state = State.offline
  /// Attempts since the last stable connection, the present one included.
  public private(set) var attempt = 0
  /// Whether it connects again by itself.
  public var isAutomatic: Bool
  /// Whether new credentials are to be had without anybody's doing: then their end is one more reason to connect again.
  public var renewsCredentials = false
  /// A new credential is to be had before the next attempt.
  public private(set) var needsCredential = false
  public var backoff: Backoff

  private var welcomedAt: Instant?
  private var advisedMilliseconds: UInt64?
  private var turn = Turn.none

  /// When the server wants this client on a new connection.
  private enum Turn: Equatable {
    case none
    case at(Instant)
    /// A second connection was begun. It may be what the present one is replaced by, whatever is heard of it.
    case begun
  }

  public init(backoff: Backoff = Backoff(), isAutomatic: Bool = true) {
    (self.backoff, self.isAutomatic) = (backoff, isAutomatic)
  }

  /// Connects now, whatever was before.
  public mutating func start() {
    state = .connecting
    attempt += 1
    advisedMilliseconds = nil
    turn = .none
  }

  /// The new credential is there.
  public mutating func renewed() { needsCredential = false }

  public mutating func welcomed(now: Instant) {
    state = .online
    welcomedAt = now
    advisedMilliseconds = nil
    turn = .none
  }

  /// The server asked for a pause before the next attempt (`retry_after_ms`).
  public mutating func advised(waitMilliseconds: UInt64) { advisedMilliseconds = waitMilliseconds }

  /// The server drains; it has spread its clients, so the time is kept to without jitter.
  public mutating func draining(reconnectAfterMilliseconds: UInt64, now: Instant) {
    guard isAutomatic else { return }
    turn = .at(now.advanced(byMilliseconds: min(reconnectAfterMilliseconds, Backoff.maxAdvisedMilliseconds)))
  }

  public mutating func stop(_ reason: StopReason) {
    state = .stopped(reason)
    (attempt, welcomedAt, advisedMilliseconds, turn) = (0, nil, nil, .none)
    backoff.reset()
  }

  /// The next time at which `due` has something to say.
  public var nextDeadline: Instant {
    if case .waiting(let until) = state { return until }
    if case .online = state, case .at(let time) = turn { return time }
    return .never
  }

  public mutating func due(now: Instant) -> Due {
    guard nextDeadline <= now, nextDeadline < .never else { return .nothing }
    if case .online = state {
      turn = .begun
      return .moveOver
    }
    start()
    return .connect
  }

  // MARK: Endings

  /// An attempt or a connection is over. Decides and changes the state accordingly.
  public mutating func ended(
    _ ending: Ending, now: Instant, using random: inout some RandomNumberGenerator
  ) -> Next {
    if case .stopped(let reason) = state { return .stop(reason) }
    if let welcomedAt {
      let welcomed = now.milliseconds(since: welcomedAt)
      backoff.ended(afterMilliseconds: welcomed)
      if welcomed >= backoff.stableMilliseconds { attempt = 0 }
    }
    welcomedAt = nil
    switch verdict(ending) {
    case .stop(let reason):
      stop(reason)
      return .stop(reason)
    case .renewCredential where !renewsCredentials || !isAutomatic:
      stop(.credential)
      return .renewCredential
    case let next:
      if next == .renewCredential { needsCredential = true }
      guard isAutomatic else {
        stop(.notAutomatic)
        return .stop(.notAutomatic)
      }
      let time = wait(now, &random)
      state = .waiting(until: time)
      if case .connectAnew = next { return .connectAnew(at: time) }
      return .connect(at: time)
    }
  }

  private mutating func wait(_ now: Instant, _ random: inout some RandomNumberGenerator) -> Instant {
    defer { (advisedMilliseconds, turn) = (nil, .none) }
    if case .at(let time) = turn { return max(time, now) }
    return now.advanced(byMilliseconds: backoff.next(advised: advisedMilliseconds, using: &random))
  }

  /// The time in it does not count.
  private mutating func verdict(_ ending: Ending) -> Next {
    switch ending {
    case .connectFailed, .lost, .left: return .connect(at: .zero)
    case .notWebSocket(let text): return .stop(.notWebSocket(text))
    case .insecure(let text): return .stop(.insecure(text))
    case .faulted(let fault): return fault.isTransient ? .connect(at: .zero) : .stop(.serverFault(fault))
    case .refused(let status, let seconds):
      if let seconds, seconds > 0 { advisedMilliseconds = UInt64(seconds) * 1_000 }
      switch status {
      case 401: return .renewCredential
      case 408, 425, 429, 500, 502, 503, 504: return .connect(at: .zero)
      default: return .stop(.refused(status: status))
      }
    case .closed(let code, _):
      switch code.advice {
      // It was our own second connection that took the session, and it broke before we heard of that.
      case .stop where code == .replaced && turn == .begun: return .connect(at: .zero)
      case .resume: return .connect(at: .zero)
      case .startAnew: return .connectAnew(at: .zero)
      case .renewCredential: return .renewCredential
      case .stop: return .stop(.closed(code))
      }
    }
  }
}
