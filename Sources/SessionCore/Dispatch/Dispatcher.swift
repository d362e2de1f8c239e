/// Names a handler that the driver keeps.
public struct HandlerID: Hashable, Sendable {
  public var rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
}

/// Which handler an event goes to, by its name and its own schema version.
public struct Dispatcher: Sendable {
  private struct Route: Sendable {
    var versions: ClosedRange<UInt64>
    var handler: HandlerID

    /// The first of the versions: there may be as many as there are numbers, more than a range can count.
    var told: ClosedRange<UInt64> {
      let rest = versions.upperBound - versions.lowerBound
      return versions.lowerBound...versions.lowerBound + min(rest, Dispatcher.maxToldCount - 1)
    }
  }

  public enum Decision: Equatable, Sendable {
    case handler(HandlerID)
    /// No handler has the name; an event with a room is for its members.
    case unknown
    /// The name is known, the version is not.
    case unsupportedVersion(supported: [UInt64])

    var isUnknown: Bool { if case .unknown = self { true } else { false } }
  }

  /// Versions of one handler that a refusal names: a handler may take all that there are.
  static let maxToldCount: UInt64 = 16

  private var routes: [String: [Route]] = [:]
  /// Handlers of all events whose names begin so, in any version; the longest first.
  private var prefixes: [(prefix: String, handler: HandlerID)] = []
  /// Takes every event that has no handler of its own, those with a room included.
  public var fallback: HandlerID?

  public init() {}

  /// Adds a handler. Two handlers for one version of an event are a programmer's error.
  public mutating func on(_ event: String, versions: ClosedRange<UInt64> = 1...1, _ handler: HandlerID) {
    let present = routes[event, default: []]
    precondition(!present.contains { $0.versions.overlaps(versions) }, "\(event) \(versions) has a handler already")
    routes[event] = present + [Route(versions: versions, handler: handler)]
  }

  /// Adds a handler for every event whose name begins with `prefix` and has no handler of its own. Of several the
  /// longest takes it. Two handlers for one prefix are a programmer's error.
  public mutating func on(prefix: String, _ handler: HandlerID) {
    precondition(!prefixes.contains { $0.prefix == prefix }, "\(prefix)* has a handler already")
    let place = prefixes.firstIndex { $0.prefix.utf8.count < prefix.utf8.count } ?? prefixes.endIndex
    prefixes.insert((prefix, handler), at: place)
  }

  public func decide(_ event: String, version: UInt64) -> Decision {
    guard let candidates = routes[event] else {
      let byPrefix = prefixes.first { event.utf8.starts(with: $0.prefix.utf8) }?.handler
      return (byPrefix ?? fallback).map { .handler($0) } ?? .unknown
    }
    if let route = candidates.first(where: { $0.versions.contains(version) }) { return .handler(route.handler) }
    return .unsupportedVersion(supported: candidates.flatMap(\.told).sorted())
  }
}
