import Synchronization

/// A bound on what comes from outside that can be reached, by the name under which operators see how often it was.
package enum ServerLimit: String, Sendable, CaseIterable {
  case connections
  case addressConnections = "address_connections"
  case addressRate = "address_rate"
  case openFiles = "open_files"
  case headerBytes = "header_bytes"
  case headerFields = "header_fields"
  case requestTime = "request_time"
  case proxyHeader = "proxy_header"
  case host
  case origin
  case messageBytes = "message_bytes"
  case emptyFragments = "empty_fragments"
  case messageTime = "message_time"
  case messageRate = "message_rate"
  case byteRate = "byte_rate"
  case controlRate = "control_rate"
  case unread
}

/// How often each limit was reached. Locked, and not on the way of a message that keeps to the limits.
final class LimitTally: Sendable {
  private let counts = Mutex([UInt64](repeating: 0, count: ServerLimit.allCases.count))

  func count(_ limit: ServerLimit) {
    guard let index = ServerLimit.allCases.firstIndex(of: limit) else { return }
    counts.withLock { $0[index] += 1 }
  }

  /// Every limit, those that were never reached too.
  var all: [(limit: ServerLimit, count: UInt64)] {
    Array(zip(ServerLimit.allCases, counts.withLock { $0 })).map { (limit: $0.0, count: $0.1) }
  }
}
