/// The secrets with which a session may be resumed, as hashes. A token rotates at every attach in two phases: the one
/// that was presented stays valid until the client is heard on the new connection, since the `welcome` that brought
/// its successor may have been lost. After that its use is theft.
struct ResumeTokens: Sendable {
  enum Verdict: Equatable {
    /// The newest.
    case current
    /// The one before it, whose successor may never have arrived.
    case previous
    case wrong
    /// It was valid once and its successor is in use.
    case retired
  }

  /// Retired tokens that are recognised.
  static let retiredCount = 4

  private var current: [UInt8]
  private var previous: [UInt8]?
  private var retired: [[UInt8]] = []

  init(_ digest: [UInt8]) { current = digest }

  var newest: [UInt8] { current }

  /// The one before the newest, while it can still be used.
  var unconfirmed: [UInt8]? { previous }

  func judge(_ digest: [UInt8]) -> Verdict {
    #if PlantedFaults
    if Planted.isOn(.anyTokenDoes), !retired.contains(digest) { return .current }
    #endif
    if SHA256.isEqual(digest, current) { return .current }
    if let previous, SHA256.isEqual(digest, previous) { return .previous }
    return retired.contains { SHA256.isEqual(digest, $0) } ? .retired : .wrong
  }

  /// A client that presented `presented` gets `next`.
  mutating func rotate(presented: [UInt8], next: [UInt8]) {
    if let previous { retire(previous == presented ? current : previous) }
    previous = presented
    current = next
  }

  /// The client was heard on the connection that gave it the newest token.
  @inline(__always) mutating func confirm() {
    #if PlantedFaults
    if Planted.isOn(.oldTokenLivesOn) { return }
    #endif
    if previous != nil { retirePrevious() }
  }

  private mutating func retirePrevious() {
    guard let previous else { return }
    retire(previous)
    self.previous = nil
  }

  private mutating func retire(_ digest: [UInt8]) {
    retired.append(digest)
    if retired.count > ResumeTokens.retiredCount { retired.removeFirst() }
  }
}
