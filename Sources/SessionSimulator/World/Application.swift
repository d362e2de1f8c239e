import SessionCore

extension World {
  /// Delays in microseconds, drawn evenly. One that is always 0 means that the thing happens in the same moment.
  public struct Delays: Sendable {
    public var link: ClosedRange<UInt64>
    public var wire: ClosedRange<UInt64>
    public var hook: ClosedRange<UInt64>
    public var handler: ClosedRange<UInt64>
    public var log: ClosedRange<UInt64>
    /// Until the server learns that a wire is broken.
    public var notice: ClosedRange<UInt64>

    public init(
      link: ClosedRange<UInt64> = 0...0, wire: ClosedRange<UInt64> = 0...0, hook: ClosedRange<UInt64> = 0...0,
      handler: ClosedRange<UInt64> = 0...0, log: ClosedRange<UInt64>? = nil, notice: ClosedRange<UInt64> = 0...0
    ) {
      (self.link, self.wire, self.hook, self.handler, self.notice) = (link, wire, hook, handler, notice)
      self.log = log ?? hook
    }
  }

  /// The application: what the hooks and handlers say.
  public struct Application {
    public var dispatcher = Dispatcher()
    public var events = EventRules()
    public var handle: (Delivery) -> HandlerOutcome = { _ in .done }
    public var answer: (Question) -> Answer = World.anyone
    public var asksAuthorizer = false
    public var asksRestorer = false
    public var checksPermissions = false

    public init() {}
  }

  /// Faults of the application, of which chance makes one in so many calls; nil for none.
  struct Misbehaviour {
    /// A hook or a handler is silent.
    var silentOneIn: UInt64?
    /// It answers twice, the second time late.
    var twiceOneIn: UInt64?
    /// It takes much longer than usual.
    var slowOneIn: UInt64?
    var slowMicroseconds: UInt64 = 2_000_000
  }

  /// Anyone is let in, under the name given as credential.
  public static func anyone(_ question: Question) -> Answer {
    switch question {
    case .authenticate(_, let credential, _, _): .authenticated(Principal(user: credential?.reveal() ?? "anonymous"))
    case .authorizeJoin: .authorized
    case .restore: .nothing
    }
  }
}
