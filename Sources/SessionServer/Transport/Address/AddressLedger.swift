import SessionCore
import Synchronization

/// Bounds of what comes from one address: an IPv4 address, or a /64 of IPv6.
public struct AddressLimits: Sendable, Equatable {
  /// Connections at one time; nil for as many as there may be in all.
  public var connectionCount: Int?
  /// New connections in a second; nil for as many as come.
  public var connectionRate: RateLimit?

  public init() {}

  var isEmpty: Bool { connectionCount == nil && connectionRate == nil }
}

/// How many connections each address has, and how fast they came.
final class AddressLedger: Sendable {
  enum Verdict {
    /// Counted until the ticket goes.
    case welcome(AddressTicket)
    /// It has too many, and may be told so.
    case refused(ServerLimit, AddressTicket)
    /// As many of its connections as need be are being told so already.
    case cut(ServerLimit)
  }

  private struct Entry {
    var count = 0
    /// Connections that are being told that there are too many.
    var refusedCount = 0
    var pace = PaceMeter()

    func isIdle(_ limit: RateLimit?, _ now: Instant) -> Bool {
      count == 0 && refusedCount == 0 && (limit.map { pace.isEmpty($0, now) } ?? true)
    }
  }

  /// Refusals to one address that are under way at one time.
  private static let maxRefusedCount = 16
  /// Addresses that are remembered without a connection of theirs.
  private static let maxIdleCount = 65_536

  private let limits: AddressLimits
  private let entries = Mutex<[IPAddress: Entry]>([:])

  init(_ limits: AddressLimits) { self.limits = limits }

  func enter(_ address: IPAddress, now: Instant) -> Verdict {
    let key = address.neighbourhood
    let (limit, isTold) = entries.withLock { entries in
      if entries.count >= AddressLedger.maxIdleCount, entries[key] == nil { forgetIdle(&entries, now) }
      return admit(&entries[key, default: Entry()], now)
    }
    guard let limit else { return .welcome(AddressTicket(self, key, isRefused: false)) }
    return isTold ? .refused(limit, AddressTicket(self, key, isRefused: true)) : .cut(limit)
  }

  private func admit(_ entry: inout Entry, _ now: Instant) -> (limit: ServerLimit?, isTold: Bool) {
    var limit: ServerLimit?
    if let most = limits.connectionCount, entry.count >= most { limit = .addressConnections }
    // What is refused costs no turn: else a client that tries again and again would never be let in.
    if limit == nil, let rate = limits.connectionRate, !entry.pace.take(rate, now) { limit = .addressRate }
    guard limit != nil else {
      entry.count += 1
      return (nil, true)
    }
    guard entry.refusedCount < AddressLedger.maxRefusedCount else { return (limit, false) }
    entry.refusedCount += 1
    return (limit, true)
  }

  fileprivate func leave(_ key: IPAddress, isRefused: Bool) {
    entries.withLock { entries in
      guard var entry = entries[key] else { return }
      if isRefused { entry.refusedCount -= 1 } else { entry.count -= 1 }
      // With a rate the address is remembered until its bucket is full again.
      let isOver = entry.count == 0 && entry.refusedCount == 0 && limits.connectionRate == nil
      entries[key] = isOver ? nil : entry
    }
  }

  /// Those whose time is over; all that have no connection if even that is not enough.
  private func forgetIdle(_ entries: inout [IPAddress: Entry], _ now: Instant) {
    entries = entries.filter { !$0.value.isIdle(limits.connectionRate, now) }
    guard entries.count >= AddressLedger.maxIdleCount else { return }
    entries = entries.filter { $0.value.count > 0 || $0.value.refusedCount > 0 }
  }
}

/// A connection's place among those of its address; free again when nobody holds it.
final class AddressTicket: Sendable {
  private let ledger: AddressLedger
  private let key: IPAddress
  private let isRefused: Bool

  fileprivate init(_ ledger: AddressLedger, _ key: IPAddress, isRefused: Bool) {
    (self.ledger, self.key, self.isRefused) = (ledger, key, isRefused)
  }

  deinit { ledger.leave(key, isRefused: isRefused) }
}
