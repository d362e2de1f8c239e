/// What holds for events whoever takes them: rules for payloads, casts between versions, and what will be removed.
public struct EventRules: Sendable {
  /// Asked for every event that has a rule; nil for no rules.
  public var payloads: (any PayloadRules)?
  /// Whether an event without a rule is refused.
  public var isStrict = false
  /// Events that judge their payloads themselves: allowed without a rule.
  public var exempt: Set<String> = []
  public private(set) var deprecations: [Deprecation] = []
  private var chains: [String: CastChain] = [:]
  private var deprecated: [Deprecation.Subject: Int] = [:]
  private(set) var hasDeprecatedEvents = false

  /// Most versions that may be named as deprecated: each is a label of a metric.
  public static let maxDeprecationCount = 64

  public init() {}

  var isEmpty: Bool { payloads == nil && chains.isEmpty && deprecations.isEmpty }

  // MARK: What is set

  /// Adds a step between two versions of an event. The newest version that a step names is the one that handlers, rules
  /// and rooms see.
  public mutating func add(_ cast: Cast, to event: String) {
    precondition(EventName.isValid(event), "\(event) is not an event's name")
    chains[event, default: CastChain()].add(cast)
  }

  /// Events whose steps leave a hole: they cannot be served.
  public var brokenChains: [String] { chains.filter { !$0.value.isWhole }.keys.sorted() }

  /// Names a version that will be removed; each once.
  public mutating func add(_ deprecation: Deprecation) {
    precondition(deprecations.count < EventRules.maxDeprecationCount, "too many deprecations")
    precondition(deprecated[deprecation.subject] == nil, "\(deprecation.subject) is deprecated already")
    deprecated[deprecation.subject] = deprecations.count
    deprecations.append(deprecation)
    if case .event = deprecation.subject { hasDeprecatedEvents = true }
  }

  // MARK: What comes in

  /// An event as the application sees it: its newest version, judged.
  /// - Throws: what its sender is told.
  func admit(
    _ event: String, version: UInt64, _ payload: [UInt8], pathPrefix: String = ""
  ) throws(ProtocolError) -> (version: UInt64, payload: [UInt8]) {
    let judged = payloads?.versions(of: event) ?? []
    let chain = chains[event]
    guard chain != nil || !judged.isEmpty else {
      guard isStrict, !exempt.contains(event) else { return (version, payload) }
      throw ProtocolError("event.unknown", "no schema describes \"\(event)\"")
    }
    let known = chain?.versions ?? judged
    guard known.contains(version) else {
      var error = ProtocolError("event.version", "\"\(event)\" is not known in version \(version)")
      error.supported = known
      throw error
    }
    try judge(event, version, payload, pathPrefix)
    guard let chain, version < chain.newest else { return (version, payload) }
    let newest = try EventRules.castUp(payload, event, version, chain, pathPrefix)
    try judge(event, chain.newest, newest, pathPrefix)
    return (chain.newest, newest)
  }

  private func judge(
    _ event: String, _ version: UInt64, _ payload: [UInt8], _ pathPrefix: String
  ) throws(ProtocolError) {
    guard let fault = payloads?.fault(in: payload, of: event, version: version) else { return }
    throw ProtocolError.invalidPayload(at: pathPrefix + fault.path, fault.text)
  }

  private static func castUp(
    _ payload: [UInt8], _ event: String, _ version: UInt64, _ chain: CastChain, _ pathPrefix: String
  ) throws(ProtocolError) -> [UInt8] {
    do {
      return try chain.up(payload, from: version)
    } catch let error as ProtocolError {
      // Its words, and the place if it knows one; but the code of a payload that cannot be used.
      var told = error
      told.code = "payload.invalid"
      told.path = pathPrefix + (error.path ?? "")
      throw told
    } catch {
      throw ProtocolError.invalidPayload(
        at: pathPrefix, "cannot be made a \"\(event)\" of version \(chain.newest) from version \(version)")
    }
  }

  // MARK: What goes out

  func hasCasts(_ event: String) -> Bool { chains[event] != nil }

  /// Which versions a client gets that named the newest it understands; none for events that it gets as they are.
  func agreed(_ wishes: [String: UInt64]) -> [String: UInt64] {
    var agreed: [String: UInt64] = [:]
    for (event, version) in wishes {
      guard let chain = chains[event], version < chain.newest else { continue }
      agreed[event] = chain.version(upTo: version)
    }
    return agreed
  }

  /// The payload in an older version; nil if it cannot be cast.
  func castDown(_ payload: [UInt8], of event: String, to version: UInt64) -> [UInt8]? {
    try? chains[event]?.down(payload, to: version)
  }

  // MARK: What will be removed

  /// Where a subject stands among the deprecations, nil if it is none.
  func deprecationIndex(_ subject: Deprecation.Subject) -> Int? { deprecated[subject] }

  /// Those that concern a client: of the version that it speaks, and of events unless it said that it understands
  /// another version.
  func deprecations(version: UInt64, events: [String: UInt64]) -> [Deprecation] {
    deprecations.filter { deprecation in
      switch deprecation.subject {
      case .version(let deprecated): deprecated == version
      case .event(let name, let deprecated): events[name].map { $0 == deprecated } ?? true
      }
    }
  }
}
