/// A message in one of its older versions.
struct CastKey: Hashable {
  /// Holds the message, so that no other can come to its place in memory.
  let message: SharedMessage
  let version: UInt64

  static func == (left: CastKey, right: CastKey) -> Bool {
    left.message === right.message && left.version == right.version
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(message))
    hasher.combine(version)
  }
}
