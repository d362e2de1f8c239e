import Glibc

/// An IPv4 or IPv6 address. An IPv4 address that came as an IPv6 one (`::ffff:192.0.2.1`) is the IPv4 address.
package struct IPAddress: Sendable, Hashable, CustomStringConvertible {
  /// 16 bytes in network order; an IPv4 address is in the last four of them.
  private let high: UInt64
  private let low: UInt64
  package let isIPv4: Bool

  private static let mappedPrefix: UInt64 = 0xFFFF_0000_0000

  /// - Parameter bytes: 4 or 16, in network order; nil for any other count.
  package init?(bytes: some Collection<UInt8>) {
    func number(_ bytes: some Collection<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    switch bytes.count {
    case 4: (high, low, isIPv4) = (0, number(bytes), true)
    case 16:
      let (first, last) = (number(bytes.prefix(8)), number(bytes.dropFirst(8)))
      isIPv4 = first == 0 && last & ~0xFFFF_FFFF == IPAddress.mappedPrefix
      (high, low) = (first, isIPv4 ? last & 0xFFFF_FFFF : last)
    default: return nil
    }
  }

  private init(high: UInt64, low: UInt64, isIPv4: Bool) { (self.high, self.low, self.isIPv4) = (high, low, isIPv4) }

  /// Reads `192.0.2.1` or `2001:db8::1`, without brackets, port or zone.
  package init?(_ text: some StringProtocol) {
    let text = String(text)
    guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      self.init(bytes: withUnsafeBytes(of: four) { Array($0) })
      return
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
    self.init(bytes: withUnsafeBytes(of: six) { Array($0) })
  }

  package var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    if isIPv4 {
      var address = in_addr(s_addr: UInt32(truncatingIfNeeded: low).bigEndian)
      inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
    } else {
      var address = (high.bigEndian, low.bigEndian)
      inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  package var isLoopback: Bool { isIPv4 ? low >> 24 == 127 : high == 0 && low == 1 }

  /// Whom a bound on addresses takes for one: an IPv4 address, or the /64 that one IPv6 host has to itself.
  package var neighbourhood: IPAddress { isIPv4 ? self : IPAddress(high: high, low: 0, isIPv4: false) }

  /// The address with all but its first `count` bits cleared.
  fileprivate func prefix(_ count: Int) -> IPAddress {
    func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? ~0 : ~(~0 >> UInt64(bits)) }
    guard !isIPv4 else { return IPAddress(high: 0, low: low & mask(count + 32) & 0xFFFF_FFFF, isIPv4: true) }
    return IPAddress(high: high & mask(count), low: low & mask(count - 64), isIPv4: false)
  }
}

/// Addresses with the same beginning: `192.0.2.0/24`, `2001:db8::/32`, or one address (RFC 4632 section 3.1).
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
  private let base: IPAddress
  private let length: Int

  /// Bits behind the prefix are let be; nil if it is no range.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(first) else { return nil }
    let most = address.isIPv4 ? 32 : 128
    var length = most
    if parts.count == 2 {
      guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
        let number = Int(parts[1]), number <= most
      else { return nil }
      length = number
    }
    (base, self.length) = (address.prefix(length), length)
  }

  public var description: String { "\(base)/\(length)" }

  package func contains(_ address: IPAddress) -> Bool {
    address.isIPv4 == base.isIPv4 && address.prefix(length) == base
  }
}
