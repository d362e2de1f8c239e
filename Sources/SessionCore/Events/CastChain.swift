/// One step between two versions of an event's payload: PROTOCOL.md, "Versions of events". Both ways are pure. What they
/// throw makes the payload one that cannot be cast.
public struct Cast: Sendable {
  public typealias Change = @Sendable (JSONValue) throws -> JSONValue

  public var from: UInt64
  public var to: UInt64
  public var up: Change
  public var down: Change

  public init(from: UInt64, to: UInt64, up: @escaping Change, down: @escaping Change) {
    precondition(0 < from && from < to, "a cast goes from an older version to a newer one")
    (self.from, self.to, self.up, self.down) = (from, to, up, down)
  }
}

/// The steps of one event, from its oldest version to its newest, which is the only one that the application sees.
struct CastChain: Sendable {
  private(set) var steps: [Cast] = []

  /// Steps may be added in any order; in the end each has to begin where the one before it ends.
  mutating func add(_ step: Cast) {
    precondition(!steps.contains { $0.from == step.from || $0.to == step.to }, "there is a cast for this version already")
    steps.append(step)
    steps.sort { $0.from < $1.from }
  }

  var isWhole: Bool { zip(steps, steps.dropFirst()).allSatisfy { $0.to == $1.from } }

  var newest: UInt64 { steps.last?.to ?? 1 }
  var versions: [UInt64] { steps.prefix(1).map(\.from) + steps.map(\.to) }

  /// What a receiver gets that understands nothing above `version`: the newest of ours that it understands, or the oldest
  /// that there is.
  func version(upTo version: UInt64) -> UInt64 { versions.last { $0 <= version } ?? versions.first ?? newest }

  /// From an older version to the newest.
  func up(_ payload: [UInt8], from version: UInt64) throws -> [UInt8] {
    var value = try JSONValue(parsing: payload)
    for step in steps where step.from >= version { value = try step.up(value) }
    return value.bytes
  }

  /// From the newest to an older version.
  func down(_ payload: [UInt8], to version: UInt64) throws -> [UInt8] {
    var value = try JSONValue(parsing: payload)
    for step in steps.reversed() where step.from >= version { value = try step.down(value) }
    return value.bytes
  }
}
