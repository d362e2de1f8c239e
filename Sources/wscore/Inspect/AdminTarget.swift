import ArgumentParser
import WebSocketFrames

/// The path and query of a request: every part is encoded as it is added.
struct AdminTarget: CustomStringConvertible {
  private(set) var description: String
  private var hasQuery = false

  /// The segments stand behind `/v1`.
  init(_ segments: String...) {
    description = "/v1" + segments.map { "/" + PercentCoding.encode($0) }.joined()
  }

  /// Whether all of them name something: an empty one would be another path.
  static func checkIDs(_ ids: [String?]) throws(ValidationError) {
    guard !ids.contains("") else { throw ValidationError("an id is not empty") }
  }

  /// A path outside the versioned ones, such as `/metrics`.
  init(plain path: StaticString) { description = "\(path)" }

  /// Adds `name=value`, if there is a value.
  func with(_ name: String, _ value: String?) -> AdminTarget {
    guard let value else { return self }
    var target = self
    target.description += (hasQuery ? "&" : "?") + name + "=" + PercentCoding.encode(value)
    target.hasQuery = true
    return target
  }
}
