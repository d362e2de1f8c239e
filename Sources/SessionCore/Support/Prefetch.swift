import CPrefetch

/// Memory that is asked for before its turn comes.
///
/// A room's message touches some twenty cache lines for each of its members, and a thousand members do not fit into the
/// processor's second cache: each line is waited for, most of them one after the other, since the address of one stands
/// in another. While one member is served, the lines of those to come are on their way.
package enum Prefetch {
  /// Members that are served between the first line that is asked for and its use: about as long as memory takes.
  package static let far = 6
  /// The same for what stands behind those lines.
  package static let near = 3

  /// Asks for `byteCount` bytes from the beginning of an object on.
  @inline(__always) package static func object(_ object: AnyObject, byteCount: Int) {
    prefetch_bytes(Unmanaged.passUnretained(object).toOpaque(), byteCount)
  }

  /// Asks for what lies between two variables of one object; for a little of it if they do not lie as is thought here.
  @inline(__always) static func bytes(from first: UnsafeRawPointer, to last: UnsafeRawPointer) {
    prefetch_bytes(first, max(64, min(last - first, 1_024)))
  }

  @inline(__always) package static func bytes(_ bytes: UnsafeRawPointer, byteCount: Int) {
    prefetch_bytes(bytes, byteCount)
  }
}
